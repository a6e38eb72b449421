import { configuredMaintenance } from '@ngome/runtime'
import { findNetworkStanding } from '@ngome/store'
import { exitCodes, type Command } from './command.ts'
import { withDatabase } from './operator/load.ts'
import { printList } from './print-list.ts'

/** What nobody said for so long is not known any more. */
const seenMs = 60_000

export const networksList: Command = {
  name: 'networks list',
  summary: 'List the payment networks, and how they do.',
  operands: [],
  options: {},
  async run(context, { isJson }) {
    const nowMs = context.clock.nowMs()
    const listed = await withDatabase(context, async (db, { networks }) => {
      const { health, maintenance } = await findNetworkStanding(db, nowMs)
      const closed = [...configuredMaintenance(networks), ...maintenance].filter(({ fromMs, toMs }) => fromMs <= nowMs && nowMs < toMs)
      return Object.entries(networks).map(([name, network]) => {
        const seen = health.find((one) => one.network === name)
        const isSeen = seen !== undefined && Math.abs(nowMs - seen.seenAtMs) <= seenMs
        const closure = closed.find((one) => one.network === name)
        const status = closure !== undefined ? 'maintenance' : isSeen ? seen.status : 'unknown'
        const sinceMs = closure?.fromMs ?? (isSeen ? seen.sinceMs : null)
        return {
          name, world: network.world, connector: network.connector, currency: network.currency, directions: network.directions,
          fallback: network.fallback, status, since: sinceMs === null ? null : new Date(sinceMs).toISOString(),
        }
      })
    })
    if (isJson) context.out(JSON.stringify(listed))
    else printList(context, listed, (one) => (
      `${one.name}  ${one.world}  ${one.connector}  ${one.currency}  ${one.directions.join(',')}  ${one.status}${one.since === null ? '' : ` since ${one.since}`}`
    ), 'no network is configured')
    return exitCodes.done
  },
}
