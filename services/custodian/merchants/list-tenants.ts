import type { CustodianResponse } from '@ngome/contracts'
import type { Tenant } from '@ngome/kernel'
import type { ParsedRequest } from '../calls/parsed-request.ts'
import type { Custodian } from '../custodian.ts'

/** Merchants on a page, in both worlds at most 256 tenants: what one call for merchant keys takes. */
const merchantsPerPage = 128

/** Lists who is registered, whole merchants at a time, so that a gateway can fetch their keys before it needs them. */
export async function listTenants(
  { store }: Custodian, { after }: ParsedRequest<'/v1/tenants'>,
): Promise<CustodianResponse<'/v1/tenants'>> {
  const rows = await store.all(
    `SELECT merchant, world FROM tenants t
     WHERE NOT EXISTS (SELECT 1 FROM ended_tenants e WHERE e.merchant = t.merchant AND e.world = t.world) AND merchant IN (SELECT DISTINCT merchant FROM tenants WHERE merchant > ? ORDER BY merchant LIMIT ?)
     ORDER BY merchant, world`,
    after ?? '', merchantsPerPage,
  )
  return { tenants: rows.map((row) => ({ merchant: row['merchant'], world: row['world'] }) as Tenant) }
}
