import type { DataKeyId, Tenant, WebhookEndpointId } from '@ngome/kernel'
import type { Statement } from '../statement.ts'

export type NewWebhookSecret = {
  readonly endpoint: WebhookEndpointId
  /** One more than the version that it takes over from. */
  readonly version: number
  readonly dataKey: DataKeyId
  readonly sealed: Uint8Array
  readonly createdAtMs: number
}

export function insertSecretStatement(tenant: Tenant, secret: NewWebhookSecret): Statement {
  return {
    name: 'insert_webhook_secret',
    text: `INSERT INTO ngome.webhook_secrets (merchant, world, endpoint, version, data_key, sealed, created_at)
      VALUES ($1, $2, $3, $4, $5, $6, $7)`,
    values: [tenant.merchant, tenant.world, secret.endpoint, secret.version, secret.dataKey, secret.sealed,
      new Date(secret.createdAtMs)],
  }
}
