import type { ObjectEventView } from '@ngome/contracts'
import type { FinalDelivery, FinalPayment } from './books.ts'
import type { ModelEndpoint } from './model-endpoint.ts'

/** What one merchant was told of its payments: by its endpoint, where it has one, and by the list of events that it read. */
export type ToldMerchant = { readonly merchant: string; readonly endpoint: ModelEndpoint; readonly listed: readonly ObjectEventView[] }

/**
 * Every change of every payment arrived at its merchant's endpoint, or is given up and may be replayed; of one object in its order, but for
 * what was given up; what was has arrived in the end, since its merchant replays it; and the list has all of them, each once, in the order of each object.
 * @returns what is not so
 */
export function brokenTelling(payments: readonly FinalPayment[], deliveries: readonly FinalDelivery[], { merchant, endpoint, listed }: ToldMerchant): readonly string[] {
  const own = payments.filter((payment) => payment.merchant === merchant)
  const byObject = new Map<string, FinalDelivery[]>()
  for (const delivery of deliveries) byObject.set(delivery.payment, [...byObject.get(delivery.payment) ?? [], delivery])
  return [
    ...endpoint.unsigned === 0 ? [] : [`${endpoint.unsigned} webhooks that nobody had signed`],
    ...own.flatMap((payment) => [
      ...arrivalProblems(payment, byObject.get(payment.id) ?? [], endpoint.inbox.filter(({ data }) => data.id === payment.id)),
      ...listProblems(payment, listed.filter(({ data }) => data.id === payment.id)),
    ]),
  ]
}

function arrivalProblems({ id, told }: FinalPayment, deliveries: readonly FinalDelivery[], arrivals: readonly ObjectEventView[]): readonly string[] {
  const arrived = new Set<number>()
  const replayed = new Set(deliveries.filter(({ isReplayed }) => isReplayed).map(({ sequence }) => sequence))
  const problems: string[] = []
  for (const { sequence, data } of arrivals) {
    if (arrived.has(sequence)) continue
    const isInOrder = told.every((before) => before.sequence >= sequence || arrived.has(before.sequence) || replayed.has(before.sequence))
    if (!isInOrder) problems.push(`${id}: change ${sequence} arrived before one that came before it`)
    if (told[sequence - 1]?.status !== statusOf(data)) problems.push(`${id}: change ${sequence} arrived as ${statusOf(data)}`)
    arrived.add(sequence)
  }
  for (const { sequence, state } of deliveries) {
    if (state === 'pending') problems.push(`${id}: change ${sequence} waits to be told for ever`)
    if (state === 'given_up') problems.push(`${id}: change ${sequence} was given up, and replayed for nothing`)
    if (state === 'delivered' && !arrived.has(sequence)) problems.push(`${id}: change ${sequence} was said to be told and never arrived`)
  }
  const planned = new Set(deliveries.map(({ sequence }) => sequence))
  return [...problems, ...told.filter(({ sequence }) => !planned.has(sequence)).map(({ sequence }) => `${id}: nobody is to be told of change ${sequence}`)]
}

function listProblems({ id, told }: FinalPayment, listed: readonly ObjectEventView[]): readonly string[] {
  const [all, shown] = [told.map(({ sequence, status }) => `${sequence} ${status}`), listed.map(({ sequence, data }) => `${sequence} ${statusOf(data)}`)]
  return all.join() === shown.join() ? [] : [`${id}: the list of events has ${shown.join(', ')} in place of ${all.join(', ')}`]
}

function statusOf(data: ObjectEventView['data']): string | undefined {
  return 'status' in data ? data.status : undefined
}
