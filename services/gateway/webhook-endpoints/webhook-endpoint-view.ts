import type { WebhookEndpointView } from '@ngome/contracts'
import type { WebhookEndpointRow } from '@ngome/store'

export function webhookEndpointView(row: WebhookEndpointRow, nowMs: number): WebhookEndpointView {
  const { createdAtMs, previousEndsAtMs } = row.secret
  const isOverlapping = previousEndsAtMs !== null && previousEndsAtMs > nowMs
  return {
    id: row.id,
    object: 'webhook_endpoint',
    world: row.tenant.world,
    url: row.url,
    encryption: row.encryption,
    held_since: row.held === null ? null : new Date(row.held.sinceMs).toISOString(),
    held_because: row.held?.because ?? null,
    created_at: new Date(row.createdAtMs).toISOString(),
    secret_created_at: new Date(createdAtMs).toISOString(),
    previous_secret_ends_at: isOverlapping ? new Date(previousEndsAtMs).toISOString() : null,
  }
}
