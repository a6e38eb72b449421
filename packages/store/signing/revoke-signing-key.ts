import type { Event } from '@ngome/contracts'
import type { MerchantSigningKeyId, Tenant } from '@ngome/kernel'
import { countRevocation } from '../access/revoke.ts'
import type { Database } from '../database.ts'
import { appendEvent } from '../events/append-event.ts'
import { inTenant } from '../transaction.ts'

/**
 * Revokes a merchant's key: within the lease no gateway takes what it signs.
 * @returns `unknown` for a key that the tenant does not have, `already` for one that was revoked before
 * @throws Fault `store/unavailable`
 */
export async function revokeSigningKey(
  db: Database, tenant: Tenant, id: MerchantSigningKeyId, atMs: number, event: Event,
): Promise<'revoked' | 'already' | 'unknown'> {
  return inTenant(db, tenant, async (tx) => {
    const own = tx.selectFrom('merchant_signing_keys').select('revoked_at')
      .where('merchant', '=', tenant.merchant).where('world', '=', tenant.world).where('id', '=', id)
    const existing = await own.forUpdate().executeTakeFirst()
    if (existing === undefined) return 'unknown'
    if (existing.revoked_at !== null) return 'already'
    await tx.updateTable('merchant_signing_keys').set({ revoked_at: new Date(atMs) })
      .where('merchant', '=', tenant.merchant).where('world', '=', tenant.world).where('id', '=', id).execute()
    await countRevocation(tx, { kind: 'merchant_signing_key_revoked', merchant: tenant.merchant, apiKey: null, atMs })
    await appendEvent(tx, event)
    return 'revoked'
  })
}
