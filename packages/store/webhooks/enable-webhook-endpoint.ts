import type { Event } from '@ngome/contracts'
import type { Tenant, WebhookEndpointId } from '@ngome/kernel'
import type { Database } from '../database.ts'
import { appendEvent } from '../events/append-event.ts'
import { proveLastEvent } from '../events/object-events.ts'
import { inTenant } from '../transaction.ts'
import { selectWebhookEndpoints, toWebhookEndpointRow, type WebhookEndpointRow } from './select-webhook-endpoints.ts'

/**
 * Lets events go to an endpoint again, with an event where it was disabled; its failures are forgotten either way. What it missed is
 * its merchant's to replay.
 * @param prove proves that event
 * @returns `undefined` for one that never was and for another tenant's. @throws Fault `store/unavailable`
 */
export async function enableWebhookEndpoint(
  db: Database, tenant: Tenant, id: WebhookEndpointId, atMs: number, event: Event, prove: Parameters<typeof proveLastEvent>[3],
): Promise<WebhookEndpointRow | undefined> {
  return inTenant(db, tenant, async (tx) => {
    const one = selectWebhookEndpoints(tx, tenant).where('e.id', '=', id)
    const enabled = await tx.updateTable('webhook_endpoints')
      .set({ disabled_at: null, disabled_because: null, failing_since: null, failures: 0, warned_at: null, enabled_at: new Date(atMs) })
      .where('merchant', '=', tenant.merchant).where('world', '=', tenant.world).where('id', '=', id).where('disabled_at', 'is not', null)
      .executeTakeFirst()
    if (enabled.numUpdatedRows === 1n) {
      await appendEvent(tx, event)
      await proveLastEvent(tx, tenant, id, prove)
    }
    const row = await one.executeTakeFirst()
    return row === undefined ? undefined : toWebhookEndpointRow(tenant, row)
  })
}
