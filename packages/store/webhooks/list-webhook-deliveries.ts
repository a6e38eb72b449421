import type { DeliveryState, ObjectEventType, WebhookAttemptReason, WebhookDeliveryReason } from '@ngome/contracts'
import type { EventId, PaymentId, Tenant, WebhookDeliveryId, WebhookEndpointId } from '@ngome/kernel'
import type { Database } from '../database.ts'
import { pipelined } from '../pipeline.ts'

/** What came of one attempt; `status` and `ms` are `null` where no answer came. */
export type WebhookAttempt = {
  readonly at: string; readonly status: number | null; readonly reason: WebhookAttemptReason; readonly ms: number | null
}
export type WebhookDeliveryRow = {
  readonly id: WebhookDeliveryId
  readonly endpoint: WebhookEndpointId
  readonly payment: PaymentId | null
  readonly eventId: EventId
  readonly eventType: ObjectEventType
  readonly sequence: number
  readonly eventAtMs: number
  readonly state: DeliveryState
  readonly attempts: readonly WebhookAttempt[]
  readonly reason: WebhookDeliveryReason | null
  readonly nextTryAtMs: number | null
  readonly replays: number
  readonly replayedAtMs: number | null
  readonly createdAtMs: number
  readonly settledAtMs: number | null
}

/** The most that one page holds, and one to know of a next page. */
const rowsMax = 101

/**
 * Lists what was to be told to an endpoint of a tenant, the newest first.
 * @param page `after`: the last id of the page before, or `null`; `state`: only of these, or `null`
 * @throws Fault `store/unavailable`
 */
export async function listWebhookDeliveries(
  db: Database, tenant: Tenant, endpoint: WebhookEndpointId,
  page: { readonly after: WebhookDeliveryId | null; readonly limit: number; readonly state: DeliveryState | null },
): Promise<readonly WebhookDeliveryRow[]> {
  const [result] = await pipelined(db, tenant, [{
    name: 'list_webhook_deliveries',
    text: `SELECT ${deliveryColumns}
      FROM ngome.webhook_deliveries
      WHERE merchant = $1 AND world = $2 AND endpoint = $3 AND ($5::text IS NULL OR id < $5) AND ($6::text IS NULL OR state = $6)
      ORDER BY id DESC LIMIT $4`,
    values: [tenant.merchant, tenant.world, endpoint, Math.min(page.limit, rowsMax), page.after, page.state],
  }])
  return (result?.rows as unknown as DeliveryColumns[] ?? []).map(toDeliveryRow)
}

/** @returns `undefined` for one that never was and for another tenant's. @throws Fault `store/unavailable` */
export async function findWebhookDelivery(db: Database, tenant: Tenant, id: WebhookDeliveryId): Promise<WebhookDeliveryRow | undefined> {
  const [result] = await pipelined(db, tenant, [{
    name: 'find_webhook_delivery',
    text: `SELECT ${deliveryColumns} FROM ngome.webhook_deliveries WHERE merchant = $1 AND world = $2 AND id = $3`,
    values: [tenant.merchant, tenant.world, id],
  }])
  const [row] = result?.rows as unknown as DeliveryColumns[] ?? []
  return row === undefined ? undefined : toDeliveryRow(row)
}

const deliveryColumns = `id, endpoint, payment, event, event_type, event_at, sequence, state, attempts, reason, next_try_at, replays, replayed_at,
  created_at, settled_at`

type DeliveryColumns = Pick<WebhookDeliveryRow, 'id' | 'endpoint' | 'payment' | 'state' | 'attempts' | 'reason' | 'sequence' | 'replays'>
  & { event: EventId; event_type: ObjectEventType; event_at: Date; next_try_at: Date | null; replayed_at: Date | null; created_at: Date; settled_at: Date | null }

function toDeliveryRow({
  event, event_type: eventType, event_at: eventAt, next_try_at: nextTryAt, replayed_at: replayedAt, created_at: createdAt, settled_at: settledAt, ...row
}: DeliveryColumns): WebhookDeliveryRow {
  return {
    ...row, eventId: event, eventType, eventAtMs: eventAt.getTime(), nextTryAtMs: nextTryAt?.getTime() ?? null,
    replayedAtMs: replayedAt?.getTime() ?? null, createdAtMs: createdAt.getTime(), settledAtMs: settledAt?.getTime() ?? null,
  }
}
