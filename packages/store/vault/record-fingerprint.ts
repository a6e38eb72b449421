import type { Event } from '@ngome/contracts'
import type { Tenant, VaultTokenId } from '@ngome/kernel'
import type { Database } from '../database.ts'
import { appendEvent } from '../events/append-event.ts'
import { inTenant } from '../transaction.ts'

/**
 * `computed`: with what may be shown, where nobody but the dispatcher could look. `unavailable`: what was sealed cannot be
 * read, or is no value of its type, which its event tells of.
 */
export type FingerprintResult =
  | {
    readonly status: 'computed'
    readonly fingerprint: string
    readonly shown?: { readonly network: string | null; readonly masked: string | null }
  }
  | { readonly status: 'unavailable'; readonly event: Event }

/**
 * Writes the fingerprint of a token that still waits for it; of one that has it, or that ended meanwhile, nothing.
 * @throws Fault `store/unavailable`
 */
export async function recordFingerprint(
  db: Database, tenant: Tenant, id: VaultTokenId, result: FingerprintResult,
): Promise<void> {
  await inTenant(db, tenant, async (tx) => {
    const updated = await tx.updateTable('vault_tokens')
      .set(result.status === 'computed'
        ? { fingerprint_status: 'computed', fingerprint: result.fingerprint, status: 'active', ...result.shown }
        : { fingerprint_status: 'unavailable', fingerprint: null, status: 'invalid' })
      .where('merchant', '=', tenant.merchant).where('world', '=', tenant.world).where('id', '=', id)
      .where('ended', 'is', null).where('fingerprint_status', '=', 'pending')
      .executeTakeFirst()
    if (updated.numUpdatedRows > 0n && result.status === 'unavailable') await appendEvent(tx, result.event)
  })
}
