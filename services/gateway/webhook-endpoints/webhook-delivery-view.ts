import type { WebhookDeliveryView } from '@ngome/contracts'
import type { Tenant } from '@ngome/kernel'
import type { WebhookDeliveryRow } from '@ngome/store'

export function webhookDeliveryView(tenant: Tenant, row: WebhookDeliveryRow): WebhookDeliveryView {
  const iso = (ms: number | null): string | null => (ms === null ? null : new Date(ms).toISOString())
  return {
    id: row.id, object: 'webhook_delivery', world: tenant.world, endpoint: row.endpoint,
    event: row.eventType, event_id: row.eventId, event_at: new Date(row.eventAtMs).toISOString(), sequence: row.sequence, payment: row.payment,
    state: row.state, reason: row.reason, attempts: row.attempts.map(({ at, status, reason, ms }) => ({ at, status, reason, duration_ms: ms })),
    next_attempt_at: iso(row.nextTryAtMs), replays: row.replays, created_at: new Date(row.createdAtMs).toISOString(), settled_at: iso(row.settledAtMs),
  }
}
