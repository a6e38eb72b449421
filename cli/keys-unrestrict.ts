import { parseId } from '@ngome/kernel'
import { exitCodes, Misuse, type Command } from './command.ts'
import { withDatabase } from './operator/load.ts'
import { unrestrictKey } from './operator/unrestrict-key.ts'

export const keysUnrestrict: Command = {
  name: 'keys unrestrict',
  summary: 'Lift what was laid on an API key because its use was unusual: suspension, throttling or signatures.',
  operands: [{ name: 'key', about: 'its id', isRequired: true }],
  options: {},
  async run(context, { operands, isJson }) {
    const key = parseId('apiKey', operands['key'] ?? '')
    if (key === undefined) throw new Misuse('that is no id of a key')
    const tenant = await withDatabase(context, (db) => unrestrictKey({ ...context, db }, key))
    if (isJson) context.out(JSON.stringify({ key, result: tenant === undefined ? 'none' : 'lifted', ...tenant }))
    else context.out(tenant === undefined ? `${key} is not restricted` : `${key} is restricted no longer`)
    return exitCodes.done
  },
}
