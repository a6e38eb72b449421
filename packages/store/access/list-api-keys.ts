import type { ApiKeyId, Tenant } from '@ngome/kernel'
import type { Database } from '../database.ts'
import { inTenant } from '../transaction.ts'

export type ApiKeyListing = {
  readonly id: ApiKeyId
  readonly hint: string
  /** The pepper that it hangs on. */
  readonly pepperVersion: number
  readonly createdAtMs: number
  readonly revokedAtMs: number | null
}

const listMax = 1_000

/** @throws Fault `store/unavailable` */
export async function listApiKeys(db: Database, tenant: Tenant): Promise<readonly ApiKeyListing[]> {
  const rows = await inTenant(db, tenant, (tx) => tx.selectFrom('api_keys')
    .select(['id', 'hint', 'pepper_version', 'created_at', 'revoked_at'])
    .where('merchant', '=', tenant.merchant).where('world', '=', tenant.world)
    .orderBy('id').limit(listMax).execute())
  return rows.map((row) => ({
    id: row.id,
    hint: row.hint,
    pepperVersion: row.pepper_version,
    createdAtMs: row.created_at.getTime(),
    revokedAtMs: row.revoked_at?.getTime() ?? null,
  }))
}
