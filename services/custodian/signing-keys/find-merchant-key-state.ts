import type { CustodianResponse } from '@ngome/contracts'
import type { ParsedRequest } from '../calls/parsed-request.ts'
import type { Custodian } from '../custodian.ts'
import { tenantName } from '../merchants/tenants.ts'
import { findSigningKey } from './signing-key-records.ts'

/**
 * Says whether a key that was stated here for a tenant was revoked since: the database, which says so too, has owners who can take
 * that back. Another tenant's key is as if it had never been stated.
 */
export async function findMerchantKeyState(
  { store }: Pick<Custodian, 'store'>, { merchant, world, key }: ParsedRequest<'/v1/merchant-signing-key-state'>,
): Promise<CustodianResponse<'/v1/merchant-signing-key-state'>> {
  const record = await findSigningKey(store, key)
  if (record === undefined || tenantName(record.tenant) !== tenantName({ merchant, world })) return { state: 'unknown' }
  return { state: record.isRevoked ? 'revoked' : 'stands' }
}
