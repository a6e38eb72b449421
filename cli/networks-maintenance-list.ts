import { configuredMaintenance } from '@ngome/runtime'
import { findNetworkStanding } from '@ngome/store'
import { exitCodes, type Command } from './command.ts'
import { withDatabase } from './operator/load.ts'
import { printList } from './print-list.ts'

export const networksMaintenanceList: Command = {
  name: 'networks maintenance list',
  summary: 'List when payment networks are closed, now or later.',
  operands: [],
  options: {},
  async run(context, { isJson }) {
    const nowMs = context.clock.nowMs()
    const windows = await withDatabase(context, async (db, { networks }) => [
      ...configuredMaintenance(networks).filter(({ toMs }) => toMs > nowMs).map((one) => ({ ...one, by: 'configuration' })),
      ...(await findNetworkStanding(db, nowMs)).maintenance.map((one) => ({ ...one, by: 'operator' })),
    ])
    const listed = windows.toSorted((one, other) => one.fromMs - other.fromMs).map(({ network, fromMs, toMs, reason, by }) => (
      { network, from: new Date(fromMs).toISOString(), to: new Date(toMs).toISOString(), reason, by }
    ))
    if (isJson) context.out(JSON.stringify(listed))
    else printList(context, listed, ({ network, from, to, reason, by }) => `${network}  ${from} to ${to}  by ${by}  ${reason}`, 'no network is to be closed')
    return exitCodes.done
  },
}
