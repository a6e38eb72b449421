import type { Tenant, WebhookEndpointId } from '@ngome/kernel'
import type { Database } from '../database.ts'
import { inTenant } from '../transaction.ts'
import { webhookEndpointsMax } from './insert-webhook-endpoint.ts'
import { selectWebhookEndpoints, toWebhookEndpointRow } from './select-webhook-endpoints.ts'

export type WebhookEndpointRow = {
  readonly id: WebhookEndpointId
  readonly tenant: Tenant
  readonly url: string
  readonly createdAtMs: number
  readonly secret: {
    /** Counts from 1. */
    readonly version: number
    readonly createdAtMs: number
    /** When the one before stops to sign, or did; `null` where there is none on record. */
    readonly previousEndsAtMs: number | null
  }
}

/** Lists a tenant's endpoints, all of them, since they are few. @throws Fault `store/unavailable` */
export async function listWebhookEndpoints(db: Database, tenant: Tenant): Promise<readonly WebhookEndpointRow[]> {
  const rows = await inTenant(db, tenant, (tx) =>
    selectWebhookEndpoints(tx, tenant).orderBy('e.id').limit(webhookEndpointsMax).execute())
  return rows.map((row) => toWebhookEndpointRow(tenant, row))
}
