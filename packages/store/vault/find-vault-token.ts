import type { FingerprintStatus, VaultTokenStatus, VaultTokenType } from '@ngome/contracts'
import type { Tenant, VaultTokenId } from '@ngome/kernel'
import type { Database } from '../database.ts'
import { pipelined } from '../pipeline.ts'

/** A token as its merchant may see it, without its sealed part. */
export type VaultTokenRow = {
  readonly id: VaultTokenId
  readonly tenant: Tenant
  readonly type: VaultTokenType
  readonly status: VaultTokenStatus
  readonly network: string | null
  readonly masked: string | null
  readonly metadata: Readonly<Record<string, string>>
  readonly fingerprintStatus: FingerprintStatus
  readonly fingerprint: string | null
  readonly createdAtMs: number
  readonly expiresAtMs: number | null
}

/**
 * Finds a live token; one that was deleted or whose time is over is as if it had never been, whether or not the job
 * that removes it came by.
 * @throws Fault `store/unavailable`
 */
export async function findVaultToken(
  db: Database, tenant: Tenant, id: VaultTokenId, nowMs: number,
): Promise<VaultTokenRow | undefined> {
  const [result] = await pipelined(db, tenant, [{
    name: 'find_vault_token',
    text: `SELECT ${vaultTokenColumns} FROM ngome.vault_tokens
      WHERE merchant = $1 AND world = $2 AND ${isLive('$3')} AND id = $4`,
    values: [tenant.merchant, tenant.world, new Date(nowMs), id],
  }])
  const row = result?.rows[0]
  return row === undefined ? undefined : toVaultTokenRow(tenant, row as VaultTokenColumns)
}

/** SQL that is true of a live token. @param now the parameter of the moment */
export function isLive(now: string): string {
  return `ended IS NULL AND (expires_at IS NULL OR expires_at > ${now})`
}

export const vaultTokenColumns = 'id, type, status, network, masked, metadata, fingerprint_status, fingerprint, created_at, expires_at'

export type VaultTokenColumns = {
  readonly id: VaultTokenId
  readonly type: VaultTokenType
  readonly status: VaultTokenStatus
  readonly network: string | null
  readonly masked: string | null
  readonly metadata: Readonly<Record<string, string>>
  readonly fingerprint_status: FingerprintStatus
  readonly fingerprint: string | null
  readonly created_at: Date
  readonly expires_at: Date | null
}

export function toVaultTokenRow(tenant: Tenant, row: VaultTokenColumns): VaultTokenRow {
  return {
    id: row.id,
    tenant,
    type: row.type,
    status: row.status,
    network: row.network,
    masked: row.masked,
    metadata: row.metadata,
    fingerprintStatus: row.fingerprint_status,
    fingerprint: row.fingerprint,
    createdAtMs: row.created_at.getTime(),
    expiresAtMs: row.expires_at?.getTime() ?? null,
  }
}
