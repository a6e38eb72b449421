import type { Tenant } from '@ngome/kernel'
import type { Database } from '../database.ts'
import { pipelined } from '../pipeline.ts'

/** Keys of one merchant and world that may work at the same time: a few for each of its servers. */
export const ownApiKeysMax = 200

/** How many keys of a tenant work now. @throws Fault `store/unavailable` */
export async function countOwnApiKeys(db: Database, tenant: Tenant, nowMs: number): Promise<number> {
  const [result] = await pipelined(db, tenant, [{
    name: 'count_own_api_keys',
    text: `SELECT count(*)::int AS count FROM ngome.api_keys WHERE merchant = $1 AND world = $2 AND revoked_at IS NULL
      AND coalesce((settings->>'expiresAt')::timestamptz > $3, true)`,
    values: [tenant.merchant, tenant.world, new Date(nowMs)],
  }])
  return Number(result?.rows[0]?.['count'])
}
