import type { Tenant, VaultTokenId } from '@ngome/kernel'
import { sql } from 'kysely'
import type { Database } from '../database.ts'
import { inTenant } from '../transaction.ts'

/**
 * Puts fingerprints of a later index key in the place of older ones, each only where the older one still stands: what
 * another did, or a deletion, is not undone.
 * @returns how many it replaced
 * @throws Fault `store/unavailable`
 */
export async function replaceFingerprints(
  db: Database, tenant: Tenant,
  changes: readonly { readonly id: VaultTokenId; readonly before: string; readonly after: string }[],
): Promise<number> {
  const column = (of: (change: (typeof changes)[number]) => string): string[] => changes.map(of)
  const result = await inTenant(db, tenant, (tx) => sql`
    UPDATE ngome.vault_tokens t SET fingerprint = c.after
    FROM unnest(${column(({ id }) => id)}::text[], ${column(({ before }) => before)}::text[], ${column(({ after }) => after)}::text[])
      AS c (id, before, after)
    WHERE t.merchant = ${tenant.merchant} AND t.world = ${tenant.world} AND t.id = c.id AND t.fingerprint = c.before
      AND t.ended IS NULL`.execute(tx))
  return Number(result.numAffectedRows ?? 0n)
}
