import { parseKeySettings, type ApiKeySettings } from '@ngome/access'
import type { ApiKeyId, Tenant } from '@ngome/kernel'
import type { Database } from '../database.ts'
import { inTenant } from '../transaction.ts'

export type ApiKeyListing = {
  readonly id: ApiKeyId
  readonly hint: string
  /** The pepper that it hangs on. */
  readonly pepperVersion: number
  /** As the row says; `undefined` where it says what nobody signs. */
  readonly settings: ApiKeySettings | undefined
  readonly createdAtMs: number
  readonly revokedAtMs: number | null
  readonly lastUse: { readonly atMs: number; readonly network: string; readonly agent: string } | null
}

const listMax = 1_000

/** Lists a tenant's newest keys, the oldest of them first. @throws Fault `store/unavailable` */
export async function listApiKeys(db: Database, tenant: Tenant): Promise<readonly ApiKeyListing[]> {
  const rows = await inTenant(db, tenant, (tx) => tx.selectFrom('api_keys')
    .leftJoin('api_key_uses', 'api_key_uses.api_key', 'api_keys.id')
    .select(['id', 'hint', 'pepper_version', 'settings', 'created_at', 'revoked_at', 'last_used_at', 'network', 'agent'])
    .where('api_keys.merchant', '=', tenant.merchant).where('api_keys.world', '=', tenant.world)
    .orderBy('id', 'desc').limit(listMax).execute())
  return rows.toReversed().map((row) => ({
    id: row.id,
    hint: row.hint,
    pepperVersion: row.pepper_version,
    settings: parseKeySettings(row.settings),
    createdAtMs: row.created_at.getTime(),
    revokedAtMs: row.revoked_at?.getTime() ?? null,
    lastUse: row.last_used_at === null ? null : { atMs: row.last_used_at.getTime(), network: row.network ?? '', agent: row.agent ?? '' },
  }))
}
