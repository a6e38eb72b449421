import type { Command } from './command.ts'
import { addMerchantKey } from './operator/add-merchant-key.ts'
import { withOperator } from './operator/load.ts'
import { merchantKeyCommand, newMerchantKeyOptions, readMerchantKey, tellKey, usesAndEnd } from './operator/merchant-keys.ts'
import { tenantOf } from './operator/origins.ts'
import { personOf, personOptions } from './staff/staff-key.ts'

export const merchantsKeysAdd: Command = {
  name: 'merchants keys add',
  summary: 'Add a merchant\'s public key: what it signs requests with, or what is encrypted to it.',
  operands: merchantKeyCommand.operands,
  options: {
    'public-key': { type: 'string', value: 'FILE', about: 'the public key (PEM): RSA with 3072 bits or more, or Ed25519' },
    'request': { type: 'string', value: 'FILE', about: 'a certificate request (PKCS #10, PEM) in its place, which proves who has the private half' },
    ...newMerchantKeyOptions,
    ...personOptions,
  },
  async run(context, given) {
    const person = await personOf(context, given)
    const [tenant, from, rest] = [tenantOf(given), readMerchantKey(given), usesAndEnd(given, context.clock)]
    const added = await withOperator(context, (access) => addMerchantKey(access, tenant, { from, ...rest }), person)
    return tellKey(context, given, tenant, { ...added, uses: rest.uses })
  },
}
