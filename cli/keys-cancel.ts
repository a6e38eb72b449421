import { parseId } from '@ngome/kernel'
import { exitCodes, Misuse, type Command } from './command.ts'
import { withCustodian } from './operator/load.ts'

export const keysCancel: Command = {
  name: 'keys cancel',
  summary: 'Call back a destruction of keys that waits.',
  operands: [{ name: 'destruction', about: 'its id', isRequired: true }],
  options: {},
  async run(context, { operands, isJson }) {
    const id = parseId('destruction', operands['destruction'] ?? '')
    if (id === undefined) throw new Misuse('that is not a destruction\'s id')
    await withCustodian(context, (custodian) => custodian.call('/v1/cancel-destruction', { id }))
    context.out(isJson ? JSON.stringify({ destruction: id, state: 'cancelled' }) : `${id} is cancelled`)
    return exitCodes.done
  },
}
