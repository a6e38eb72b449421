import { emit } from '@ngome/contracts'
import { parseId } from '@ngome/kernel'
import { revokeSigningKey } from '@ngome/store'
import { exitCodes, Misuse, type Command } from './command.ts'
import { withDatabase } from './operator/load.ts'
import { merchantKeyCommand } from './operator/merchant-keys.ts'
import { tenantOf } from './operator/origins.ts'

export const merchantsKeysRevoke: Command = {
  name: 'merchants keys revoke',
  summary: 'Revoke a merchant\'s key: within seconds no gateway takes what it signs, and nothing more is encrypted to it.',
  operands: [...merchantKeyCommand.operands, { name: 'key', about: 'its id, as the list shows it', isRequired: true }],
  options: merchantKeyCommand.options,
  async run(context, given) {
    const tenant = tenantOf(given)
    const key = parseId('merchantSigningKey', given.operands['key'] ?? '')
    if (key === undefined) throw new Misuse('that is not the id of a merchant\'s key, such as msk_01h455vb4pex5vsknk084sn02q')
    const event = emit({ ...context, process: 'operator' }, 'merchant_key.revoked', tenant, { key })
    const result = await withDatabase(context, (db) => revokeSigningKey(db, tenant, key, context.clock.nowMs(), event))
    if (given.isJson) context.out(JSON.stringify({ ...tenant, key, result }))
    else if (result === 'unknown') context.err(`ngome: this merchant has no key ${key} in ${tenant.world}`)
    else context.out(`${key} is revoked${result === 'already' ? ', as it was before' : ''}`)
    return result === 'unknown' ? exitCodes.failed : exitCodes.done
  },
}
