import type { Tenant } from '@ngome/kernel'
import type { Database } from '../database.ts'
import { inTenant } from '../transaction.ts'

export type MerchantLimit = { readonly ratePerS: number; readonly burst: number }

/** @returns `undefined` where a merchant has no limits of its own in this world. @throws Fault `store/unavailable` */
export async function findMerchantLimits(db: Database, tenant: Tenant): Promise<MerchantLimit | undefined> {
  const row = await inTenant(db, tenant, (tx) => tx.selectFrom('merchant_limits').select(['rate_per_s', 'burst'])
    .where('merchant', '=', tenant.merchant).where('world', '=', tenant.world).executeTakeFirst())
  return row === undefined ? undefined : { ratePerS: row.rate_per_s, burst: row.burst }
}
