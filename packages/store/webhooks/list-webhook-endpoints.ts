import type { Tenant } from '@ngome/kernel'
import type { Database } from '../database.ts'
import { inTenant } from '../transaction.ts'
import { webhookEndpointsMax } from './insert-webhook-endpoint.ts'
import { selectWebhookEndpoints, toWebhookEndpointRow, type WebhookEndpointRow } from './select-webhook-endpoints.ts'

/** Lists a tenant's endpoints, all of them, since they are few. @throws Fault `store/unavailable` */
export async function listWebhookEndpoints(db: Database, tenant: Tenant): Promise<readonly WebhookEndpointRow[]> {
  const rows = await inTenant(db, tenant, (tx) =>
    selectWebhookEndpoints(tx, tenant).orderBy('e.id').limit(webhookEndpointsMax).execute())
  return rows.map((row) => toWebhookEndpointRow(tenant, row))
}
