import type { MerchantId, Tenant, WebhookEndpointId, World } from '@ngome/kernel'
import type { Database } from '../database.ts'
import { guarded } from '../store-fault.ts'

/** A secret by its place; `version` counts from 1. */
export type WebhookSecretPlace = { readonly tenant: Tenant; readonly endpoint: WebhookEndpointId; readonly version: number }

/**
 * Newest secrets of all tenants that were made before `beforeMs` and of which nobody was reminded, at most a thousand.
 * @throws Fault `store/unavailable`
 */
export async function findOldWebhookSecrets(
  db: Database, beforeMs: number, limit: number,
): Promise<readonly WebhookSecretPlace[]> {
  type Row = { merchant: MerchantId; world: World; endpoint: WebhookEndpointId; version: number }
  const { rows } = await guarded(() => db.pool.query<Row>(
    'SELECT merchant, world, endpoint, version FROM ngome.find_old_webhook_secrets($1, $2)', [new Date(beforeMs), limit]))
  return rows.map(({ merchant, world, endpoint, version }) => ({ tenant: { merchant, world }, endpoint, version }))
}
