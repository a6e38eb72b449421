import type { Event } from '@ngome/contracts'
import type { Tenant, VaultTokenId } from '@ngome/kernel'
import type { Database } from '../database.ts'
import { appendEvent } from '../events/append-event.ts'
import type { VaultTokenEnd } from '../tables.ts'
import { inTenant } from '../transaction.ts'

/**
 * Ends a live token: its sealed value, mask, metadata and fingerprint go, a tombstone with its id stays. What the
 * database's log ahead and backups still hold of it stays sealed, and ends with the merchant's key for the vault.
 * @returns `unknown` where it was never there, is another's, or ended before; nothing was changed then
 * @throws Fault `store/unavailable`
 */
export async function endVaultToken(
  db: Database, tenant: Tenant, id: VaultTokenId,
  end: { readonly as: VaultTokenEnd; readonly atMs: number; readonly event: Event },
): Promise<'ended' | 'unknown'> {
  return inTenant(db, tenant, async (tx) => {
    const at = new Date(end.atMs)
    const ended = await tx.updateTable('vault_tokens')
      .set({ sealed: null, network: null, masked: null, metadata: '{}', fingerprint: null, ended: end.as, ended_at: at })
      .where('merchant', '=', tenant.merchant).where('world', '=', tenant.world).where('id', '=', id)
      .where('ended', 'is', null)
      .where((row) => end.as === 'expired'
        ? row('expires_at', '<=', at) : row.or([row('expires_at', 'is', null), row('expires_at', '>', at)]))
      .executeTakeFirst()
    if (ended.numUpdatedRows === 0n) return 'unknown'
    await appendEvent(tx, end.event)
    return 'ended'
  })
}
