import type { DeliveryState, Event } from '@ngome/contracts'
import { idOf, idRandomBytes, type Tenant, type WebhookDeliveryId, type WebhookEndpointId } from '@ngome/kernel'
import type { Database } from '../database.ts'
import { appendEventStatement } from '../events/append-event.ts'
import { withIdempotency, type IdempotencyClaim, type IdempotentOutcome } from '../payments/idempotency.ts'
import { pipelined } from '../pipeline.ts'

/** As many of an endpoint's deliveries as one call has told again, and as may wait for an endpoint that has more told again. */
export const replayMax = 1_000
/** One delivery is told again so often, and not before this is over (`ngome.replay_deliveries`). */
export const replaysMax = 32
export const replayPauseMs = 10_000

/**
 * Has deliveries of one endpoint told again, under the ids that they had: those that wait already stay as they are.
 * @throws Fault `store/unavailable`
 */
export async function replayDeliveries(
  db: Database,
  { tenant, endpoint, ids, atMs, event, idempotency }: {
    readonly tenant: Tenant
    readonly endpoint: WebhookEndpointId
    readonly ids: readonly WebhookDeliveryId[]
    readonly atMs: number
    readonly event: Event
    readonly idempotency: IdempotencyClaim
  },
): Promise<IdempotentOutcome> {
  const outcome = await withIdempotency(db, tenant, idempotency, atMs, [
    { name: 'replay_deliveries', text: 'SELECT ngome.replay_deliveries($1, $2::text[], $3)', values: [endpoint, ids, new Date(atMs)] },
    appendEventStatement(event),
  ])
  if (outcome.kind === 'accepted') db.wake('webhook-deliver')
  return outcome
}

/** What is to be told again: `pending` says how many wait already, and is counted no further than {@link replayMax}. */
export type Replayable = {
  readonly pending: number
  /** In the order of their events' times; `atMs` is the event's. */
  readonly deliveries: readonly { readonly id: WebhookDeliveryId; readonly atMs: number }[]
}

/**
 * Finds what of an endpoint may be told again: what is settled of events since a time, those included that it was not told of for
 * it was disabled. At most one more than {@link replayMax}.
 * @param of `state`: only of these, or `null`
 * @throws Fault `store/unavailable`
 */
export async function findReplayable(
  db: Database, tenant: Tenant, endpoint: WebhookEndpointId,
  of: { readonly sinceMs: number; readonly state: Exclude<DeliveryState, 'pending'> | null; readonly nowMs: number },
): Promise<Replayable> {
  // Ids begin with their time, so that those since a time are a range of the index.
  const [firstId] = /^whd_.{10}/.exec(idOf('webhookDelivery', of.sinceMs, new Uint8Array(idRandomBytes), 0)) ?? []
  const key = [tenant.merchant, tenant.world, endpoint]
  const [, pending, found] = await pipelined(db, tenant, [
    {
      name: 'make_missed_deliveries', text: 'SELECT ngome.make_missed_deliveries($1, $2, $3, $4)',
      values: [endpoint, new Date(of.sinceMs), replayMax, new Date(of.nowMs)],
    },
    {
      name: 'count_pending_deliveries',
      text: `SELECT count(*)::int AS n FROM (SELECT FROM ngome.webhook_deliveries
        WHERE merchant = $1 AND world = $2 AND endpoint = $3 AND state = 'pending' LIMIT ${replayMax}) waiting`,
      values: key,
    },
    {
      name: 'find_replayable',
      text: `SELECT id, event_at FROM ngome.webhook_deliveries
        WHERE merchant = $1 AND world = $2 AND endpoint = $3 AND id >= $4 AND event_at >= $5 AND state <> 'pending' AND sequence > 0
          AND ($6::text IS NULL OR state = $6) AND replays < ${replaysMax} AND (replayed_at IS NULL OR replayed_at <= $7)
        ORDER BY id LIMIT ${replayMax + 1}`,
      values: [...key, firstId, new Date(of.sinceMs), of.state, new Date(of.nowMs - replayPauseMs)],
    },
  ])
  const [{ n } = { n: 0 }] = (pending?.rows ?? []) as { n: number }[]
  const rows = (found?.rows ?? []) as { id: WebhookDeliveryId; event_at: Date }[]
  return { pending: n, deliveries: rows.map(({ id, event_at: at }) => ({ id, atMs: at.getTime() })) }
}
