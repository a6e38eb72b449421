import type { Event } from '@ngome/contracts'
import type { Tenant } from '@ngome/kernel'
import { countRevocation } from '../access/revoke.ts'
import type { Database } from '../database.ts'
import { appendEvent } from '../events/append-event.ts'
import { inTenant } from '../transaction.ts'

/**
 * Takes an origin back: within the lease no gateway serves a page of it any more.
 * @returns `unknown` where it was not on the list
 * @throws Fault `store/unavailable`
 */
export async function removeOrigin(
  db: Database, tenant: Tenant, origin: string, atMs: number, event: Event,
): Promise<'removed' | 'unknown'> {
  return inTenant(db, tenant, async (tx) => {
    const deleted = await tx.deleteFrom('merchant_origins')
      .where('merchant', '=', tenant.merchant).where('world', '=', tenant.world).where('origin', '=', origin).executeTakeFirst()
    if (deleted.numDeletedRows === 0n) return 'unknown'
    await countRevocation(tx, { kind: 'merchant_origins_changed', merchant: tenant.merchant, apiKey: null, atMs })
    await appendEvent(tx, event)
    return 'removed'
  })
}
