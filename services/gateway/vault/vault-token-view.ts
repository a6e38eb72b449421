import type { VaultTokenView } from '@ngome/contracts'
import type { VaultTokenRow } from '@ngome/store'

/** A token as its merchant sees it. There is no view with the value: no call gives it back to a server. */
export function vaultTokenView(row: VaultTokenRow): VaultTokenView {
  return {
    id: row.id,
    object: 'vault_token',
    world: row.tenant.world,
    type: row.type,
    status: row.status,
    network: row.network,
    masked: row.masked,
    fingerprint: { status: row.fingerprintStatus, value: row.fingerprint },
    metadata: row.metadata,
    created_at: new Date(row.createdAtMs).toISOString(),
    expires_at: row.expiresAtMs === null ? null : new Date(row.expiresAtMs).toISOString(),
  }
}
