import { emit } from '@ngome/contracts'
import { parseId } from '@ngome/kernel'
import { deleteForwardDestination } from '@ngome/store'
import { exitCodes, Misuse, type Command } from './command.ts'
import { merchantId } from './operator/find-merchant.ts'
import { withDatabase } from './operator/load.ts'

export const forwardsRemove: Command = {
  name: 'forwards remove',
  summary: 'Take back an address of the test world; what has not left for it fails.',
  operands: [
    { name: 'merchant', about: 'its id', isRequired: true },
    { name: 'destination', about: 'the address\'s id, as the list shows it', isRequired: true },
  ],
  options: {},
  async run(context, { operands, isJson }) {
    const tenant = { merchant: merchantId(operands['merchant']), world: 'test' } as const
    const id = parseId('forwardDestination', operands['destination'] ?? '')
    if (id === undefined) throw new Misuse('that is not the id of an address, such as dst_01h455vb4pex5vsknk084sn02q')
    const event = emit({ ...context, process: 'operator' }, 'forward_destination.removed', tenant, { destination: id })
    const result = await withDatabase(context, (db) => deleteForwardDestination(db, tenant, id, event))
    if (isJson) context.out(JSON.stringify({ destination: id, result }))
    else if (result === 'unknown') context.err(`ngome: this merchant has no address ${id}`)
    else context.out(`${id} is removed`)
    return result === 'unknown' ? exitCodes.failed : exitCodes.done
  },
}
