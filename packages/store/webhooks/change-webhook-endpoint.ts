import type { Event, ObjectEventType, WebhookEncryption } from '@ngome/contracts'
import type { Tenant, WebhookEndpointId } from '@ngome/kernel'
import type { Database } from '../database.ts'
import { appendEvent } from '../events/append-event.ts'
import { inTenant } from '../transaction.ts'
import { selectWebhookEndpoints, toWebhookEndpointRow, type WebhookEndpointRow } from './select-webhook-endpoints.ts'

/**
 * States an endpoint anew: where it is, whether it is told in clear, and of what. What held it is looked at again at the next
 * delivery, and where it fails that is counted anew; one that is disabled stays so.
 * @returns `undefined` for one that never was and for another tenant's. @throws Fault `store/unavailable`
 */
export async function changeWebhookEndpoint(
  db: Database, tenant: Tenant, id: WebhookEndpointId,
  { url, encryption, eventTypes, termsProof }: {
    readonly url: string; readonly encryption: WebhookEncryption; readonly eventTypes: readonly ObjectEventType[] | null; readonly termsProof: Uint8Array
  },
  event: Event,
): Promise<WebhookEndpointRow | undefined> {
  return inTenant(db, tenant, async (tx) => {
    const changed = await tx.updateTable('webhook_endpoints')
      .set({
        url, encryption, event_types: eventTypes === null ? null : [...eventTypes], terms_proof: termsProof, held_since: null, held_because: null,
        failing_since: null, failures: 0, warned_at: null,
      })
      .where('merchant', '=', tenant.merchant).where('world', '=', tenant.world).where('id', '=', id)
      .executeTakeFirst()
    if (changed.numUpdatedRows === 0n) return undefined
    await appendEvent(tx, event)
    return toWebhookEndpointRow(tenant, await selectWebhookEndpoints(tx, tenant).where('e.id', '=', id).executeTakeFirstOrThrow())
  })
}
