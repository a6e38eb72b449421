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
    event_types: row.eventTypes === null ? null : [...row.eventTypes],
    held_since: row.held === null ? null : new Date(row.held.sinceMs).toISOString(),
    held_because: row.held?.because ?? null,
    failing_since: row.failingSinceMs === null ? null : new Date(row.failingSinceMs).toISOString(),
    disabled_at: row.disabled === null ? null : new Date(row.disabled.sinceMs).toISOString(),
    disabled_because: row.disabled?.because ?? null,
    created_at: new Date(row.createdAtMs).toISOString(),
    secret_created_at: new Date(createdAtMs).toISOString(),
    previous_secret_ends_at: isOverlapping ? new Date(previousEndsAtMs).toISOString() : null,
  }
}
