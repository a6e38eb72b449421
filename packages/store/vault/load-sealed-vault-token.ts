import type { FingerprintStatus, VaultTokenType } from '@ngome/contracts'
import type { Tenant, VaultTokenId } from '@ngome/kernel'
import type { Database } from '../database.ts'
import { inTenant } from '../transaction.ts'

/** All that the dispatcher needs to open a token's value. */
export type SealedVaultTokenRow = {
  readonly id: VaultTokenId
  readonly tenant: Tenant
  readonly type: VaultTokenType
  readonly fingerprintStatus: FingerprintStatus
  readonly expiresAtMs: number | null
  readonly sealed: Uint8Array
  /** The sealed data key, as the gateway wrote it. */
  readonly dataKey: Uint8Array
}

/**
 * Loads a live token with what is sealed of it; for the dispatcher alone, whose role may read it.
 * @throws Fault `store/unavailable`
 */
export async function loadSealedVaultToken(
  db: Database, tenant: Tenant, id: VaultTokenId, nowMs: number,
): Promise<SealedVaultTokenRow | undefined> {
  const row = await inTenant(db, tenant, (tx) => tx.selectFrom('vault_tokens as t')
    .innerJoin('data_keys as d', (join) => join
      .onRef('d.merchant', '=', 't.merchant').onRef('d.world', '=', 't.world').onRef('d.id', '=', 't.data_key'))
    .select(['t.type', 't.fingerprint_status', 't.expires_at', 't.sealed', 'd.sealed as data_key_sealed'])
    .where('t.merchant', '=', tenant.merchant).where('t.world', '=', tenant.world).where('t.id', '=', id)
    .where('t.ended', 'is', null)
    .where((where) => where.or([where('t.expires_at', 'is', null), where('t.expires_at', '>', new Date(nowMs))]))
    .executeTakeFirst())
  if (row?.sealed === undefined || row.sealed === null) return undefined
  return {
    id, tenant, type: row.type, fingerprintStatus: row.fingerprint_status,
    expiresAtMs: row.expires_at?.getTime() ?? null, sealed: row.sealed, dataKey: row.data_key_sealed,
  }
}
