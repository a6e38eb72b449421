import { canTransition } from '@ngome/payments'
import { isOpen, type Books, type FinalPayment } from './books.ts'
import type { BookEntry } from './model-network.ts'

/** What merchants were told: the payment of each idempotency key, from an answer that they saw. */
export type Acknowledged = ReadonlyMap<string, string>

/**
 * What must be true when a run is over, whatever happened in it.
 * @returns what is not, by payment
 */
export async function brokenClaims(books: Books, network: ReadonlyMap<string, BookEntry>, acknowledged: Acknowledged): Promise<readonly string[]> {
  const payments = await books.payments()
  const byId = new Map(payments.map((payment) => [payment.id as string, payment]))
  const references = new Set(payments.map(({ reference }) => reference))
  return [
    ...[...acknowledged].filter(([, id]) => !byId.has(id)).map(([key, id]) => `${id} was acknowledged for ${key} and is lost`),
    ...new Set(acknowledged.values()).size === acknowledged.size ? [] : ['two keys have one payment'],
    ...payments.flatMap((payment) => problemsOf(payment, payment.reference === null ? undefined : network.get(payment.reference))),
    ...[...network].filter(([reference]) => !references.has(reference)).map(([reference, { payment }]) => `the network has ${reference} of ${payment}, and we do not`),
    ...(await books.ledgerProblems()),
    ...(await books.alarms()).map((type) => `an alarm without an attack: ${type}`),
  ]
}

function problemsOf(payment: FinalPayment, entry: BookEntry | undefined): readonly string[] {
  const { id, status, isStuck } = payment
  const moves = entry?.moves ?? 0
  const told = payment.told.map((one) => one.status)
  const problems = [
    [moves > 1, `the network moved its money ${moves} times`],
    [status === 'succeeded' && moves !== 1, 'succeeded, and no money moved'],
    [(status === 'failed' || status === 'cancelled') && moves > 0, `${status}, and its money moved`],
    [entry !== undefined && entry.money.amountMinor !== payment.amountMinor, 'the network was asked for another amount'],
    [isOpen(status) && !isStuck, `left behind as ${status}`],
    [isOpen(status) && status !== 'in_doubt', `a person was told of it, and it is ${status}`],
    [payment.told.some(({ sequence }, at) => sequence !== at + 1), `events with a gap: ${payment.told.map(({ sequence }) => sequence).join(' ')}`],
    [told.at(-1) !== status, `the last event tells of ${told.at(-1)}`],
    [told.some((to, at) => at > 0 && !canTransition(told[at - 1] ?? to, to)), `went ${told.join(' -> ')}`],
  ] as const
  return problems.filter(([isBroken]) => isBroken).map(([, what]) => `${id} (${payment.direction}): ${what}`)
}
