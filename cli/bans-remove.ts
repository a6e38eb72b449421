import { networkOf } from '@ngome/access'
import { emit } from '@ngome/contracts'
import { parseBanNetwork } from '@ngome/kernel'
import { endBan } from '@ngome/store'
import { exitCodes, Misuse, type Command } from './command.ts'
import { withDatabase } from './operator/load.ts'

export const bansRemove: Command = {
  name: 'bans remove',
  summary: 'End a ban on every gateway, within seconds, and forget that it was.',
  operands: [{ name: 'address', about: 'an address of it, or the network as the list shows it', isRequired: true }],
  options: {},
  async run(context, { operands: { address = '' }, isJson }) {
    const network = parseBanNetwork(address) === undefined ? networkOf(address) : address
    if (network === undefined) throw new Misuse('that is no address, such as 192.0.2.1 or 2001:db8::1')
    const event = emit({ ...context, process: 'operator' }, 'gateway.unbanned', null, { network })
    const isEnded = await withDatabase(context, (db) => endBan(db, network, event))
    if (isJson) context.out(JSON.stringify({ network, result: isEnded ? 'ended' : 'unknown' }))
    else if (isEnded) context.out(`${network} is not banned any more`)
    else context.err(`ngome: ${network} was not banned`)
    return isEnded ? exitCodes.done : exitCodes.failed
  },
}
