import { emit } from '@ngome/contracts'
import { Fault, type Clock, type Random, type Secret } from '@ngome/kernel'
import {
  findAnswer, findWebhookDelivery, findWebhookEndpoint, replayDeliveries, replayPauseMs, replaysMax, type Database, type WebhookDeliveryRow,
} from '@ngome/store'
import { jsonType, type Answer } from '../http/answer.ts'
import type { Call } from '../http/call.ts'
import { answerOutcome } from '../idempotency/answer-outcome.ts'
import { idempotencyMarks } from '../idempotency/marks.ts'
import { webhookDeliveryView } from './webhook-delivery-view.ts'

export type ReplayPorts = {
  readonly database: Database; readonly idempotencySecret: Secret<Uint8Array>; readonly clock: Clock; readonly random: Random
}

/**
 * Has one delivery told again, under its own id, so that a receiver who took it knows it again.
 * @throws Fault `webhooks/delivery_unknown`, the same for one that never was and for another merchant's; `webhooks/delivery_waits`,
 * `webhooks/replayed_too_often`, `webhooks/endpoint_disabled`, `idempotency/key_reused`, `idempotency/in_flight`, `store/unavailable`
 */
export async function replayWebhookDelivery(ports: ReplayPorts, call: Call<'replayWebhookDelivery'>): Promise<Answer> {
  const { caller: { tenant }, params: { id } } = call
  const marks = idempotencyMarks(ports.idempotencySecret, tenant, { ...call, key: call.idempotencyKey })
  // First: a repetition finds the delivery waiting that it is the repetition of.
  const before = await findAnswer(ports.database, tenant, marks)
  if (before.kind !== 'in_flight') return answerOutcome(before, { status: 202 })
  const row = await findWebhookDelivery(ports.database, tenant, id)
  if (row === undefined) throw new Fault('webhooks/delivery_unknown', `no ${id} for this tenant`)
  const endpoint = await findWebhookEndpoint(ports.database, tenant, row.endpoint)
  if (endpoint === undefined) throw new Fault('webhooks/delivery_unknown', `the endpoint of ${id} was deleted`)
  if (endpoint.disabled !== null) throw new Fault('webhooks/endpoint_disabled', `${endpoint.id} is disabled`)
  const nowMs = ports.clock.nowMs()
  assertReplayable(row, nowMs)
  const replayed = { ...row, state: 'pending', nextTryAtMs: null, settledAtMs: null, replays: row.replays + 1 } as const
  const answer = { status: 202, body: JSON.stringify(webhookDeliveryView(tenant, replayed)) }
  const outcome = await replayDeliveries(ports.database, {
    tenant, endpoint: endpoint.id, ids: [id], atMs: nowMs, idempotency: { ...marks, answer },
    event: emit({ ...ports, process: 'gateway' }, 'webhook_endpoint.replayed', tenant, { endpoint: endpoint.id, deliveries: 1 }),
  })
  return answerOutcome(outcome, { ...answer, contentType: jsonType })
}

/** The database looks again, under the row's lock. */
function assertReplayable({ id, state, sequence, replays, replayedAtMs }: WebhookDeliveryRow, nowMs: number): void {
  if (state === 'pending') throw new Fault('webhooks/delivery_waits', `${id} waits already`)
  const isTooSoon = replayedAtMs !== null && nowMs - replayedAtMs < replayPauseMs
  if (isTooSoon || replays >= replaysMax || sequence === 0) throw new Fault('webhooks/replayed_too_often', `${id} was replayed ${replays} times`)
}
