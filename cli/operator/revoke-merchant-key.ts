import { emit, type CustodianRequest } from '@ngome/contracts'
import type { Clock, MerchantSigningKeyId, Random, Tenant } from '@ngome/kernel'
import { revokeSigningKey, type Database } from '@ngome/store'

type Ports = {
  readonly db: Database
  readonly clock: Clock
  readonly random: Random
  readonly tellCustodian: (key: CustodianRequest<'/v1/revoke-merchant-signing-key'>) => Promise<unknown>
}

/**
 * Revokes a merchant's key: first where gateways hear of it, which goes without the custodian, then at the custodian, which makes no
 * API key for it from then on, whatever the database says. Again is the same.
 * @throws Fault `custodian/unavailable`, `custodian/refused` for a key that it never stated, `store/unavailable`
 */
export async function revokeMerchantKey(
  { db, clock, random, tellCustodian }: Ports, tenant: Tenant, key: MerchantSigningKeyId,
): Promise<'revoked' | 'already' | 'unknown'> {
  const event = emit({ clock, random, process: 'operator' }, 'merchant_key.revoked', tenant, { key })
  const result = await revokeSigningKey(db, tenant, key, clock.nowMs(), event)
  if (result !== 'unknown') await tellCustodian({ ...tenant, key })
  return result
}
