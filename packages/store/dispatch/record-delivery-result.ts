import { webhookAttemptsMax, type Event, type WebhookDeliveryReason, type WebhookHoldReason } from '@ngome/contracts'
import type { Tenant, WebhookEndpointId } from '@ngome/kernel'
import { sql, type SqlBool, type Transaction } from 'kysely'
import type { Database } from '../database.ts'
import { appendEvent } from '../events/append-event.ts'
import { enqueue } from '../jobs/enqueue.ts'
import type { Tables } from '../tables.ts'
import { inTenant } from '../transaction.ts'
import type { WebhookAttempt } from '../webhooks/list-webhook-deliveries.ts'
import type { Delivery } from './load-delivery.ts'
import { noteEndpointHealth, type EndpointHealthRules, type EndpointSign } from './note-endpoint-health.ts'

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

/** A delivery as it stood when a job took it in hand. */
export type SeenDelivery = Pick<Delivery, 'id' | 'tries' | 'nextTryAtMs'>

/**
 * Records one try of a delivery; the next one, where there is one, is a job of the same transaction. One that is settled gives the
 * next of its object its turn. Of jobs that took it in hand alike the first alone plans what comes next: two rows of tries would use up
 * its time twice as fast. That it arrived counts for whoever it was.
 * @param rules what follows for the endpoint
 * @returns `superseded` where the delivery was settled before, or another job of the same try planned the next
 * @throws Fault `store/unavailable`
 */
export async function recordDeliveryResult(
  db: Database,
  tenant: Tenant,
  seen: SeenDelivery,
  result: DeliveryResult,
  atMs: number,
  rules: EndpointHealthRules,
): Promise<'recorded' | 'superseded'> {
  const outcome = await inTenant(db, tenant, async (tx) => {
    if (result.kind === 'held') return hold(tx, tenant, seen, result, atMs)
    const { id } = seen
    const { attempt } = result
    const isSettled = result.kind !== 'retry'
    const updated = await tx.updateTable('webhook_deliveries')
      .set({
        state: result.kind === 'retry' ? 'pending' : result.kind,
        tries: sql<number>`tries + 1`,
        tried_since: sql<Date>`coalesce(tried_since, ${new Date(atMs)})`,
        last_status: attempt?.status ?? null,
        reason: result.kind === 'given_up' ? result.reason : result.attempt.reason,
        next_try_at: result.kind === 'retry' ? new Date(atMs + result.afterMs) : null,
        ...attempt === null ? {} : { attempts: withAttempt({ at: new Date(atMs).toISOString(), ...attempt }) },
        settled_at: isSettled ? new Date(atMs) : null,
      })
      .where('merchant', '=', tenant.merchant).where('world', '=', tenant.world).where('id', '=', id)
      .where('state', '=', 'pending').$if(result.kind !== 'delivered', (update) => update.where(standsAs(seen)))
      .returning(['endpoint', 'object', 'sequence']).executeTakeFirst()
    if (updated === undefined) return 'superseded'
    if (result.kind === 'retry') {
      await enqueue(tx, 'webhook-deliver', { ...tenant, delivery: id, endpoint: updated.endpoint }, { startAfterMs: result.afterMs })
    } else {
      const alarms = result.kind === 'given_up' ? result.alarms ?? [] : []
      for (const event of [...alarms, result.event]) await appendEvent(tx, event)
      await giveTurn(tx, tenant, updated)
    }
    if (result.kind !== 'given_up' && result.released !== undefined) await setHeld(tx, tenant, result.released, null)
    const sign = attempt === null ? undefined : signOf(attempt)
    if (sign !== undefined) await noteEndpointHealth(tx, tenant, updated.endpoint, sign, atMs, rules)
    return 'recorded'
  })
  // Another may have its turn now.
  if (outcome === 'recorded') db.wake('webhook-deliver')
  return outcome
}

/** That nobody tried or held it since. */
function standsAs({ tries, nextTryAtMs }: SeenDelivery) {
  return sql<SqlBool>`tries = ${tries} AND next_try_at IS NOT DISTINCT FROM ${nextTryAtMs === null ? null : new Date(nextTryAtMs)}::timestamptz`
}

/** What is our own to repair says nothing of the endpoint. */
function signOf({ reason }: WebhookAttemptResult): EndpointSign | undefined {
  if (reason === 'secret_missing') return undefined
  if (reason === 'gone') return reason
  return reason === 'accepted' ? 'answers' : 'fails'
}

type Place = { readonly endpoint: WebhookEndpointId; readonly object: string; readonly sequence: number }

/** Gives the next of the same object its turn, where it came while this one was still to be told. */
async function giveTurn(tx: Transaction<Tables>, tenant: Tenant, { endpoint, object, sequence }: Place): Promise<void> {
  const next = await tx.selectFrom('webhook_deliveries').select(['id', 'waits'])
    .where('merchant', '=', tenant.merchant).where('world', '=', tenant.world).where('endpoint', '=', endpoint)
    .where('object', '=', object as never).where('state', '=', 'pending').where('sequence', '>', sequence)
    .orderBy('sequence').limit(1).forUpdate().executeTakeFirst()
  if (next?.waits !== true) return
  await tx.updateTable('webhook_deliveries').set({ waits: false })
    .where('merchant', '=', tenant.merchant).where('world', '=', tenant.world).where('id', '=', next.id).execute()
  await enqueue(tx, 'webhook-deliver', { ...tenant, delivery: next.id, endpoint })
}

/** The newest of them: what was configured to be tried more often before keeps its last ones. */
function withAttempt(attempt: WebhookAttempt) {
  const kept = sql`CASE WHEN jsonb_array_length(attempts) >= ${webhookAttemptsMax} THEN attempts - 0 ELSE attempts END`
  return sql<never>`${kept} || ${JSON.stringify([attempt])}::jsonb`
}

/** No try of the endpoint's: what waits for its owner is not used up by waiting. */
async function hold(
  tx: Transaction<Tables>, tenant: Tenant, seen: SeenDelivery, { endpoint, because, event, afterMs }: DeliveryResult & { kind: 'held' },
  atMs: number,
): Promise<'recorded' | 'superseded'> {
  const { id } = seen
  const pending = await tx.selectFrom('webhook_deliveries').select('id')
    .where('merchant', '=', tenant.merchant).where('world', '=', tenant.world).where('id', '=', id)
    .where('state', '=', 'pending').where(standsAs(seen)).forUpdate().executeTakeFirst()
  if (pending === undefined) return 'superseded'
  await tx.updateTable('webhook_deliveries')
    .set({ reason: because, next_try_at: new Date(atMs + afterMs), tried_since: sql<Date>`coalesce(tried_since, ${new Date(atMs)})` })
    .where('merchant', '=', tenant.merchant).where('world', '=', tenant.world).where('id', '=', id).execute()
  if (await setHeld(tx, tenant, endpoint, { because, atMs })) await appendEvent(tx, event)
  await enqueue(tx, 'webhook-deliver', { ...tenant, delivery: id, endpoint }, { startAfterMs: afterMs })
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
