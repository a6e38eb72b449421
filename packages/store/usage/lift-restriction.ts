import type { Event } from '@ngome/contracts'
import type { ApiKeyId, Tenant } from '@ngome/kernel'
import { countRevocation } from '../access/revoke.ts'
import type { Database } from '../database.ts'
import { appendEvent } from '../events/append-event.ts'
import { inTenant } from '../transaction.ts'

/**
 * Lifts the restriction of a key. It counts as a revocation, so that gateways learn of it as fast.
 * @returns `none` where it was not restricted
 * @throws Fault `store/unavailable`
 */
export async function liftRestriction(
  db: Database, tenant: Tenant, key: ApiKeyId, atMs: number, event: Event,
): Promise<'lifted' | 'none'> {
  return inTenant(db, tenant, async (tx) => {
    const deleted = await tx.deleteFrom('api_key_restrictions').where('api_key', '=', key)
      .where('merchant', '=', tenant.merchant).where('world', '=', tenant.world).executeTakeFirst()
    if (deleted.numDeletedRows === 0n) return 'none'
    await countRevocation(tx, { kind: 'api_key_restricted', merchant: tenant.merchant, apiKey: key, atMs })
    await appendEvent(tx, event)
    return 'lifted'
  })
}
