import { formatMoney } from '@ngome/kernel'
import type { Config } from '@ngome/runtime'
import { findDoubtfulPayments, findNetworkStanding, type DoubtfulPayment, type NetworkStanding } from '@ngome/store'
import { exitCodes, type Command } from './command.ts'
import { configOf, withAuditor } from './operator/load.ts'
import { printList } from './print-list.ts'

/** Those that were sent first; more than a page of them is one trouble of a network, not many of payments. */
const shownMax = 1_000

export const paymentsStuck: Command = {
  name: 'payments stuck',
  summary: 'List what was sent and whose end its network has not told in time, with what to do. Exit code 1 where there is any.',
  operands: [],
  options: {},
  async run(context, { isJson }) {
    const nowMs = context.clock.nowMs()
    const { networks } = configOf(context)
    const stuck = await withAuditor(context, async (db) => {
      const [doubtful, standing] = [await findDoubtfulPayments(db, shownMax), await findNetworkStanding(db, nowMs)]
      return doubtful.filter((payment) => isStuck(payment, networks[payment.network], nowMs))
        .map((payment) => rowOf(payment, nowMs, adviceOn(payment, networks, standing, nowMs)))
    })
    if (isJson) context.out(JSON.stringify(stuck))
    else {
      printList(context, stuck, (one) => [
        `${one.payment}  ${one.direction}  ${one.network}  ${one.amount} ${one.currency}  ${hours(one.ageS)}  ${one.reference ?? 'no reference'}`,
        `    ${one.todo}`,
      ], 'no payment waits longer for its end than its network may take')
    }
    return stuck.length === 0 ? exitCodes.done : exitCodes.failed
  },
}

type Networks = Config['networks']

/** As a dispatcher judges it, also where none runs that could have said so. */
function isStuck({ sentAtMs, stuckAtMs }: DoubtfulPayment, network: Networks[string] | undefined, nowMs: number): boolean {
  return stuckAtMs !== null || network === undefined || nowMs - sentAtMs > network.giveUpAfterS * 1_000
}

/** One thing to do next; the order is that of what has to stand before the next can help. */
function adviceOn({ network, reference }: DoubtfulPayment, networks: Networks, { health, maintenance }: NetworkStanding, nowMs: number): string {
  if (networks[network] === undefined) return 'its network is not configured any more: configure it again, since nobody else can be asked'
  if (maintenance.some((one) => one.network === network && one.fromMs <= nowMs && nowMs < one.toMs)) return 'its network is closed for maintenance: wait for its end'
  if (health.find((one) => one.network === network)?.status === 'down') return 'its network does not answer: ngome providers check'
  if (reference === null) return 'it was in doubt and has no attempt, which the platform never writes: keep the database as it is'
  return 'ask the network\'s support about this reference, until its own enquiry says how it ended: docs/runbooks/stuck-payments.md'
}

function rowOf(payment: DoubtfulPayment, nowMs: number, todo: string) {
  const { id, tenant, direction, network, money, reference, networkReference, sentAtMs, stuckAtMs } = payment
  return {
    payment: id, merchant: tenant.merchant, world: tenant.world, direction, network, amount: formatMoney(money), currency: money.currency,
    reference, networkReference, sentAt: new Date(sentAtMs).toISOString(), ageS: Math.max(0, Math.floor((nowMs - sentAtMs) / 1_000)),
    givenUpAt: stuckAtMs === null ? null : new Date(stuckAtMs).toISOString(), todo,
  }
}

function hours(ageS: number): string {
  return ageS < 3_600 ? `${Math.floor(ageS / 60)} min` : `${Math.floor(ageS / 3_600)} h`
}
