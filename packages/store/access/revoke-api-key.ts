import type { Event } from '@ngome/contracts'
import type { ApiKeyId, Tenant } from '@ngome/kernel'
import type { Database } from '../database.ts'
import { appendEvent } from '../events/append-event.ts'
import { inTenant } from '../transaction.ts'
import { countRevocation } from './revoke.ts'

/**
 * Revokes a key. When this returns the revocation is counted, and within the lease no gateway accepts the key.
 * @returns `unknown` for a key that the tenant does not have, `already` for one that was revoked before
 * @throws Fault `store/unavailable`
 */
export async function revokeApiKey(
  db: Database,
  tenant: Tenant,
  id: ApiKeyId,
  atMs: number,
  event: Event,
): Promise<'revoked' | 'already' | 'unknown'> {
  return inTenant(db, tenant, async (tx) => {
    const updated = await tx.updateTable('api_keys').set({ revoked_at: new Date(atMs) })
      .where('id', '=', id).where('merchant', '=', tenant.merchant).where('world', '=', tenant.world)
      .where('revoked_at', 'is', null)
      .executeTakeFirst()
    if (updated.numUpdatedRows === 0n) {
      const existing = await tx.selectFrom('api_keys').select('id').where('id', '=', id).executeTakeFirst()
      return existing === undefined ? 'unknown' : 'already'
    }
    await countRevocation(tx, { kind: 'api_key_revoked', merchant: tenant.merchant, apiKey: id, atMs })
    await appendEvent(tx, event)
    return 'revoked'
  })
}
