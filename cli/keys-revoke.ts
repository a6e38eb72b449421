import { parseApiKey } from '@ngome/access'
import { parseId } from '@ngome/kernel'
import { exitCodes, Misuse, type Command } from './command.ts'
import { withDatabase } from './operator/load.ts'
import { revokeKey } from './operator/revoke-key.ts'

export const keysRevoke: Command = {
  name: 'keys revoke',
  summary: 'Revoke an API key: within seconds no gateway accepts it.',
  operands: [{ name: 'key', about: 'its id, or the key itself where that is what leaked', isRequired: true }],
  options: {},
  async run(context, { operands, isJson }) {
    const given = operands['key'] ?? ''
    const key = parseId('apiKey', given) ?? parseApiKey(given)?.id
    // The operand may be a key's text: it is not repeated.
    if (key === undefined) throw new Misuse('that is neither a key nor a key\'s id')
    const revoked = await withDatabase(context, (db) => revokeKey({ ...context, db }, key))
    if (isJson) context.out(JSON.stringify({ key, result: revoked?.result ?? 'unknown', ...revoked?.tenant }))
    else if (revoked === undefined) context.err(`ngome: there is no key ${key}`)
    else context.out(`${key} is revoked${revoked.result === 'already' ? ', as it was before' : ''}`)
    return revoked === undefined ? exitCodes.failed : exitCodes.done
  },
}
