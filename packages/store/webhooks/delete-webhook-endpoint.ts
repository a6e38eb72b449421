import type { Event } from '@ngome/contracts'
import type { Tenant, WebhookEndpointId } from '@ngome/kernel'
import type { Database } from '../database.ts'
import { appendEvent } from '../events/append-event.ts'
import { inTenant } from '../transaction.ts'

/**
 * Removes an endpoint with its sealed secret. Deliveries that still wait for it are given up when their turn comes.
 * @throws Fault `store/unavailable`
 */
export async function deleteWebhookEndpoint(
  db: Database,
  tenant: Tenant,
  id: WebhookEndpointId,
  event: Event,
): Promise<'deleted' | 'unknown'> {
  return inTenant(db, tenant, async (tx) => {
    const deleted = await tx.deleteFrom('webhook_endpoints')
      .where('merchant', '=', tenant.merchant).where('world', '=', tenant.world).where('id', '=', id)
      .executeTakeFirst()
    if (deleted.numDeletedRows === 0n) return 'unknown'
    await appendEvent(tx, event)
    return 'deleted'
  })
}
