import { emit, type CustodianRequest, type SigningKeyUse } from '@ngome/contracts'
import { newId, parseBase64Url, type MerchantSigningKeyId, type Tenant } from '@ngome/kernel'
import { insertSigningKey, listSigningKeys, signingKeysMax } from '@ngome/store'
import { Misuse } from '../command.ts'
import type { OperatorAccess } from './create-merchant.ts'
import { explainRefusal } from './explain-refusal.ts'

export type NewMerchantKey = {
  readonly from: CustodianRequest<'/v1/merchant-signing-key'>['from']
  readonly uses: readonly SigningKeyUse[]
  readonly expiresAtMs: number
}

export type AddedMerchantKey = { readonly id: MerchantSigningKeyId; readonly algorithm: string }

/**
 * Adds a merchant's public key: the custodian looks at it and states whose it is, since nobody obeys a row that it did not sign.
 * @throws Misuse where the merchant has as many as it may
 * @throws Fault `custodian/refused` where the key or its merchant is not fit; nothing was added then
 */
export async function addMerchantKey(
  { db, custodian, clock, random }: OperatorAccess, tenant: Tenant, { from, uses, expiresAtMs }: NewMerchantKey,
): Promise<AddedMerchantKey> {
  const present = (await listSigningKeys(db, tenant)).filter((key) => !key.isRevoked && key.expiresAtMs > clock.nowMs())
  if (present.length >= signingKeysMax) throw new Misuse(`this merchant has ${signingKeysMax} keys already; revoke one first`)
  const id = newId('merchantSigningKey', { clock, random })
  const stated = await explainRefusal(custodian.call('/v1/merchant-signing-key', {
    ...tenant, key: id, from, uses: [...uses], expires: new Date(expiresAtMs).toISOString(),
  }), `the custodian refused this key: ${tenant.merchant} must be a merchant of the ${tenant.world} world, as ngome merchants list shows; ` +
    'the key RSA with 3072 to 8192 bits and the exponent 65537, or Ed25519, which only signs')
  const [spki, proof] = [parseBase64Url(stated.spki), parseBase64Url(stated.proof)]
  if (spki === undefined || proof === undefined) throw new TypeError('the custodian\'s bytes are base64url by contract')
  const event = emit({ clock, random, process: 'operator' }, 'merchant_key.added', tenant, { key: id })
  // In the order that the custodian signed.
  const ordered = (['sign', 'encrypt'] as const).filter((use) => uses.includes(use))
  const { algorithm } = stated
  await insertSigningKey(db, { id, tenant, algorithm, spki, uses: ordered, proof, createdAtMs: clock.nowMs(), expiresAtMs }, event)
  return { id, algorithm }
}
