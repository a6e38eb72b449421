import type { Tenant, WebhookEndpointId } from '@ngome/kernel'
import type { Database } from '../database.ts'
import { inTenant } from '../transaction.ts'
import { selectWebhookEndpoints, toWebhookEndpointRow, type WebhookEndpointRow } from './select-webhook-endpoints.ts'

/** @returns `undefined` for one that never was and for another tenant's. @throws Fault `store/unavailable` */
export async function findWebhookEndpoint(
  db: Database, tenant: Tenant, id: WebhookEndpointId,
): Promise<WebhookEndpointRow | undefined> {
  const row = await inTenant(db, tenant, (tx) => selectWebhookEndpoints(tx, tenant).where('e.id', '=', id).executeTakeFirst())
  return row === undefined ? undefined : toWebhookEndpointRow(tenant, row)
}
