import type { Tenant, WebhookEndpointId } from '@ngome/kernel'
import type { Database } from '../database.ts'
import { inTenant } from '../transaction.ts'
import { webhookEndpointsMax } from './insert-webhook-endpoint.ts'

export type WebhookEndpointRow = {
  readonly id: WebhookEndpointId
  readonly tenant: Tenant
  readonly url: string
  readonly createdAtMs: number
}

/** Lists a tenant's endpoints, all of them, since they are few. @throws Fault `store/unavailable` */
export async function listWebhookEndpoints(db: Database, tenant: Tenant): Promise<readonly WebhookEndpointRow[]> {
  const rows = await inTenant(db, tenant, (tx) => tx.selectFrom('webhook_endpoints')
    .select(['id', 'url', 'created_at'])
    .where('merchant', '=', tenant.merchant).where('world', '=', tenant.world)
    .orderBy('id').limit(webhookEndpointsMax).execute())
  return rows.map((row) => ({ id: row.id, tenant, url: row.url, createdAtMs: row.created_at.getTime() }))
}
