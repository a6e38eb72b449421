import { exitCodes, Misuse, type Command } from './command.ts'
import { withDatabase } from './operator/load.ts'
import { matchNetwork } from './reconcile/match-network.ts'

export const reconcileMatch: Command = {
  name: 'reconcile match',
  summary: 'Hold what a network reported against what we know by now, as after each import.',
  operands: [{ name: 'network', about: 'its name in the configuration', isRequired: true }],
  options: {},
  async run(context, { operands: { network = '' }, isJson }) {
    const found = await withDatabase(context, (db, { networks }) => {
      const configured = Object.hasOwn(networks, network) ? networks[network] : undefined
      if (configured === undefined) throw new Misuse(`no network has this name: ${Object.keys(networks).join(', ')}`)
      const { clock, random } = context
      return matchNetwork({ db, clock, random, onProgress: (done, rows) => context.err(`${rows} rows ${done}`) }, { network, world: configured.world })
    })
    if (isJson) context.out(JSON.stringify(found))
    else context.out(`${found.judged} movements were open; ${found.opened} new differences; the network is asked about ${found.asked} payments now`)
    return exitCodes.done
  },
}
