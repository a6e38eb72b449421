import { parseId } from '@ngome/kernel'
import { exitCodes, Misuse, type Command } from './command.ts'
import { withCustodian } from './operator/load.ts'
import { personOf, personOptions } from './staff/staff-key.ts'

export const keysCancel: Command = {
  name: 'keys cancel',
  summary: 'Call back a destruction of keys that waits.',
  operands: [{ name: 'destruction', about: 'its id', isRequired: true }],
  options: personOptions,
  async run(context, given) {
    const { operands, isJson } = given
    const person = await personOf(context, given)
    const id = parseId('destruction', operands['destruction'] ?? '')
    if (id === undefined) throw new Misuse('that is not a destruction\'s id')
    await withCustodian(context, (custodian) => custodian.call('/v1/cancel-destruction', { id }), { person })
    context.out(isJson ? JSON.stringify({ destruction: id, state: 'cancelled' }) : `${id} is cancelled`)
    return exitCodes.done
  },
}
