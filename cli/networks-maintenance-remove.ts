import { emit } from '@ngome/contracts'
import { removeNetworkMaintenance } from '@ngome/store'
import { exitCodes, type Command } from './command.ts'
import { withDatabase } from './operator/load.ts'
import { parseInstant } from './operator/parse-instant.ts'

export const networksMaintenanceRemove: Command = {
  name: 'networks maintenance remove',
  summary: 'Take back a time in which a payment network is closed; it works again within seconds.',
  operands: [
    { name: 'network', about: 'its name in the configuration', isRequired: true },
    { name: 'from', about: 'when the time begins, as the list shows it', isRequired: true },
  ],
  options: {},
  async run(context, { operands: { network = '', from = '' }, isJson }) {
    const fromMs = parseInstant('from', from)
    const isRemoved = await withDatabase(context, async (db) => {
      const event = emit({ ...context, process: 'operator' }, 'network.maintenance_removed', null, { network, from: new Date(fromMs).toISOString() })
      return removeNetworkMaintenance(db, { network, fromMs }, event)
    })
    if (isJson) context.out(JSON.stringify({ network, from, result: isRemoved ? 'removed' : 'unknown' }))
    else if (isRemoved) context.out(`${network} is not closed then any more`)
    else context.err(`ngome: no time of ${network} that was added begins then; those of the configuration are removed there`)
    return isRemoved ? exitCodes.done : exitCodes.failed
  },
}
