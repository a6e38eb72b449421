import type { CustodianRequest } from '@ngome/contracts'
import { parseId } from '@ngome/kernel'
import { exitCodes, Misuse, type Command } from './command.ts'
import { withCustodian, withDatabase } from './operator/load.ts'
import { merchantKeyCommand } from './operator/merchant-keys.ts'
import { tenantOf } from './operator/origins.ts'
import { revokeMerchantKey } from './operator/revoke-merchant-key.ts'
import { personOf, personOptions } from './staff/staff-key.ts'

export const merchantsKeysRevoke: Command = {
  name: 'merchants keys revoke',
  summary: 'Revoke a merchant\'s key: within seconds no gateway takes what it signs, the custodian makes no key for it, and nothing more is encrypted to it.',
  operands: [...merchantKeyCommand.operands, { name: 'key', about: 'its id, as the list shows it', isRequired: true }],
  options: { ...merchantKeyCommand.options, ...personOptions },
  async run(context, given) {
    const tenant = tenantOf(given)
    const key = parseId('merchantSigningKey', given.operands['key'] ?? '')
    if (key === undefined) throw new Misuse('that is not the id of a merchant\'s key, such as msk_01h455vb4pex5vsknk084sn02q')
    // The custodian is asked for last: where it is away, gateways hear of it none the less.
    const tellCustodian = async (revoked: CustodianRequest<'/v1/revoke-merchant-signing-key'>): Promise<unknown> => {
      const person = await personOf(context, given)
      return withCustodian(context, (custodian) => custodian.call('/v1/revoke-merchant-signing-key', revoked), { person })
    }
    const result = await withDatabase(context, (db) => revokeMerchantKey({ ...context, db, tellCustodian }, tenant, key))
    if (given.isJson) context.out(JSON.stringify({ ...tenant, key, result }))
    else if (result === 'unknown') context.err(`ngome: this merchant has no key ${key} in ${tenant.world}`)
    else context.out(`${key} is revoked${result === 'already' ? ', as it was before' : ''}`)
    return result === 'unknown' ? exitCodes.failed : exitCodes.done
  },
}
