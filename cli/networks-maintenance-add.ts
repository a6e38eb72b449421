import { emit } from '@ngome/contracts'
import { maintenanceReason } from '@ngome/runtime'
import { addNetworkMaintenance } from '@ngome/store'
import { exitCodes, Misuse, type Command } from './command.ts'
import { withDatabase } from './operator/load.ts'
import { parseInstant } from './operator/parse-instant.ts'

const longestMs = 31 * 86_400_000

export const networksMaintenanceAdd: Command = {
  name: 'networks maintenance add',
  summary: 'Close a payment network for a time: new payments are refused, or wait where it is so configured.',
  operands: [{ name: 'network', about: 'its name in the configuration', isRequired: true }],
  options: {
    from: { type: 'string', value: 'INSTANT', about: 'when it begins; now where it is left out' },
    to: { type: 'string', value: 'INSTANT', about: 'when it ends, such as 2027-01-31T22:00:00Z; at most 31 days later' },
    reason: { type: 'string', value: 'TEXT', about: 'what merchants read' },
  },
  async run(context, { operands: { network = '' }, options, isJson }) {
    const fromMs = options['from'] === undefined ? context.clock.nowMs() : parseInstant('--from', options['from'])
    const toMs = parseInstant('--to', options['to'])
    if (toMs <= fromMs || toMs - fromMs > longestMs) throw new Misuse('--to must be after --from, by 31 days at most')
    const reason = typeof options['reason'] === 'string' ? options['reason'] : 'Maintenance'
    if (!maintenanceReason.test(reason)) throw new Misuse('--reason takes a short sentence')
    const window = { network, from: new Date(fromMs).toISOString(), to: new Date(toMs).toISOString() }
    const isAdded = await withDatabase(context, async (db, { networks }) => {
      if (!Object.hasOwn(networks, network)) throw new Misuse(`no network has this name: ${Object.keys(networks).join(', ')}`)
      const event = emit({ ...context, process: 'operator' }, 'network.maintenance_added', null, window)
      return addNetworkMaintenance(db, { network, fromMs, toMs, reason }, event)
    })
    if (isJson) context.out(JSON.stringify({ ...window, reason, result: isAdded ? 'added' : 'known' }))
    else if (isAdded) context.out(`${network} is closed from ${window.from} to ${window.to}`)
    else context.err(`ngome: ${network} is closed from that instant already; remove that first`)
    return isAdded ? exitCodes.done : exitCodes.failed
  },
}
