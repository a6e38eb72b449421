import { fingerprintPrefix } from '@ngome/contracts'
import type { Tenant, VaultTokenId } from '@ngome/kernel'
import { sql } from 'kysely'
import type { Database } from '../database.ts'
import { inTenant } from '../transaction.ts'

/** Fingerprints of one older index key. */
export type OlderFingerprints = {
  readonly generation: number
  readonly rows: readonly { readonly id: VaultTokenId; readonly fingerprint: string }[]
}

/**
 * Finds fingerprints of a tenant's index keys before one, of the oldest key that has any. Those that were taken on are
 * not among them any more, so that whoever asks again goes on.
 * @throws Fault `store/unavailable`
 */
export async function findOlderFingerprints(
  db: Database, tenant: Tenant, before: number, limit: number,
): Promise<OlderFingerprints | undefined> {
  return inTenant(db, tenant, async (tx) => {
    for (let generation = 1; generation < before; generation++) {
      const [from, to] = rangeOf(generation)
      const rows = await tx.selectFrom('vault_tokens').select(['id', 'fingerprint'])
        .where('merchant', '=', tenant.merchant).where('world', '=', tenant.world)
        .where('fingerprint', '>=', from).where('fingerprint', '<', to)
        .orderBy('fingerprint').orderBy('id').limit(limit).execute()
      if (rows.length > 0) return { generation, rows: rows.map(({ id, fingerprint }) => ({ id, fingerprint: String(fingerprint) })) }
    }
    return undefined
  })
}

/** @returns how many fingerprints are of index keys before one @throws Fault `store/unavailable` */
export async function countOlderFingerprints(db: Database, tenant: Tenant, before: number): Promise<number> {
  return inTenant(db, tenant, async (tx) => {
    let count = 0
    for (let generation = 1; generation < before; generation++) {
      const [from, to] = rangeOf(generation)
      const row = await tx.selectFrom('vault_tokens').select(sql<number>`count(*)::int`.as('count'))
        .where('merchant', '=', tenant.merchant).where('world', '=', tenant.world)
        .where('fingerprint', '>=', from).where('fingerprint', '<', to).executeTakeFirstOrThrow()
      count += row.count
    }
    return count
  })
}

/** The texts of a generation: from its prefix to what follows `_` in ASCII. */
function rangeOf(generation: number): readonly [string, string] {
  const prefix = fingerprintPrefix(generation)
  return [prefix, `${prefix.slice(0, -1)}\u0060`]
}
