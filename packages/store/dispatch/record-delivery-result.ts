import { webhookAttemptsMax, type Event, type WebhookDeliveryReason, type WebhookHoldReason } from '@ngome/contracts'
import type { Tenant, WebhookDeliveryId, WebhookEndpointId } from '@ngome/kernel'
import { sql, type Transaction } from 'kysely'
import type { Database } from '../database.ts'
import { appendEvent } from '../events/append-event.ts'
import { enqueue } from '../jobs/enqueue.ts'
import type { Tables } from '../tables.ts'
import { inTenant } from '../transaction.ts'
import type { WebhookAttempt } from '../webhooks/list-webhook-deliveries.ts'

/** What came of one attempt. `ms`: until the whole answer was there. */
export type WebhookAttemptResult = Omit<WebhookAttempt, 'at'>

export type DeliveryResult =
  /** `event`: `webhook.delivered`; `released`: its endpoint, where that was held until now. */
  | { readonly kind: 'delivered'; readonly attempt: WebhookAttemptResult; readonly event: Event; readonly released?: WebhookEndpointId }
  /** Nothing may be sent to its endpoint: it is looked at again after the wait. `event` is written where that is news. */
  | {
      readonly kind: 'held'
      readonly endpoint: WebhookEndpointId
      readonly because: WebhookHoldReason
      readonly event: Event
      readonly afterMs: number
    }
  /** It is tried again after the wait. */
  | { readonly kind: 'retry'; readonly attempt: WebhookAttemptResult; readonly afterMs: number; readonly released?: WebhookEndpointId }
  /** `attempt`: the last, where there was one; `event`: `webhook.given_up`; `alarms`: what was found out with it. */
  | {
      readonly kind: 'given_up'
      readonly attempt: WebhookAttemptResult | null
      readonly reason: WebhookDeliveryReason
      readonly event: Event
      readonly alarms?: readonly Event[]
    }

/**
 * Records one try of a delivery; the next one, where there is one, is a job of the same transaction.
 * @returns `superseded` where the delivery was settled before
 * @throws Fault `store/unavailable`
 */
export async function recordDeliveryResult(
  db: Database,
  tenant: Tenant,
  id: WebhookDeliveryId,
  result: DeliveryResult,
  atMs: number,
): Promise<'recorded' | 'superseded'> {
  return inTenant(db, tenant, async (tx) => {
    if (result.kind === 'held') return hold(tx, tenant, id, result, atMs)
    const { attempt } = result
    const isSettled = result.kind !== 'retry'
    const updated = await tx.updateTable('webhook_deliveries')
      .set({
        state: result.kind === 'retry' ? 'pending' : result.kind,
        tries: sql<number>`tries + 1`,
        last_status: attempt?.status ?? null,
        reason: result.kind === 'given_up' ? result.reason : result.attempt.reason,
        next_try_at: result.kind === 'retry' ? new Date(atMs + result.afterMs) : null,
        ...attempt === null ? {} : { attempts: withAttempt({ at: new Date(atMs).toISOString(), ...attempt }) },
        settled_at: isSettled ? new Date(atMs) : null,
      })
      .where('merchant', '=', tenant.merchant).where('world', '=', tenant.world).where('id', '=', id)
      .where('state', '=', 'pending')
      .executeTakeFirst()
    if (updated.numUpdatedRows === 0n) return 'superseded'
    if (result.kind === 'retry') {
      await enqueue(tx, 'webhook-deliver', { ...tenant, delivery: id }, { startAfterMs: result.afterMs })
    } else {
      const alarms = result.kind === 'given_up' ? result.alarms ?? [] : []
      for (const event of [...alarms, result.event]) await appendEvent(tx, event)
    }
    if (result.kind !== 'given_up' && result.released !== undefined) await setHeld(tx, tenant, result.released, null)
    return 'recorded'
  })
}

/** The newest of them: what was configured to be tried more often before keeps its last ones. */
function withAttempt(attempt: WebhookAttempt) {
  const kept = sql`CASE WHEN jsonb_array_length(attempts) >= ${webhookAttemptsMax} THEN attempts - 0 ELSE attempts END`
  return sql<never>`${kept} || ${JSON.stringify([attempt])}::jsonb`
}

/** No try of the endpoint's: what waits for its owner is not used up by waiting. */
async function hold(
  tx: Transaction<Tables>, tenant: Tenant, id: WebhookDeliveryId, { endpoint, because, event, afterMs }: DeliveryResult & { kind: 'held' },
  atMs: number,
): Promise<'recorded' | 'superseded'> {
  const pending = await tx.selectFrom('webhook_deliveries').select('id')
    .where('merchant', '=', tenant.merchant).where('world', '=', tenant.world).where('id', '=', id)
    .where('state', '=', 'pending').forUpdate().executeTakeFirst()
  if (pending === undefined) return 'superseded'
  await tx.updateTable('webhook_deliveries').set({ reason: because, next_try_at: new Date(atMs + afterMs) })
    .where('merchant', '=', tenant.merchant).where('world', '=', tenant.world).where('id', '=', id).execute()
  if (await setHeld(tx, tenant, endpoint, { because, atMs })) await appendEvent(tx, event)
  await enqueue(tx, 'webhook-deliver', { ...tenant, delivery: id }, { startAfterMs: afterMs })
  return 'recorded'
}

/** @returns whether that changed anything */
async function setHeld(
  tx: Transaction<Tables>, tenant: Tenant, endpoint: WebhookEndpointId, held: { readonly because: WebhookHoldReason; readonly atMs: number } | null,
): Promise<boolean> {
  const { numUpdatedRows } = await tx.updateTable('webhook_endpoints')
    .set({ held_because: held?.because ?? null, held_since: held === null ? null : new Date(held.atMs) })
    .where('merchant', '=', tenant.merchant).where('world', '=', tenant.world).where('id', '=', endpoint)
    .where('held_because', 'is distinct from', held?.because ?? null)
    .executeTakeFirst()
  return numUpdatedRows > 0n
}
