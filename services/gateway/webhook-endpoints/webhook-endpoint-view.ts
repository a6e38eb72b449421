import type { WebhookEndpointView } from '@ngome/contracts'
import type { WebhookEndpointRow } from '@ngome/store'

export function webhookEndpointView(row: WebhookEndpointRow): WebhookEndpointView {
  return {
    id: row.id,
    object: 'webhook_endpoint',
    world: row.tenant.world,
    url: row.url,
    created_at: new Date(row.createdAtMs).toISOString(),
  }
}
