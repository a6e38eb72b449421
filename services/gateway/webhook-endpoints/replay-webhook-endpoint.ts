import { emit, replaySinceMsMax, type WebhookReplayView } from '@ngome/contracts'
import { Fault } from '@ngome/kernel'
import { replayMax, type EventStore } from '@ngome/store'
import { jsonType, type Answer } from '../http/answer.ts'
import type { Call } from '../http/call.ts'
import { answerOutcome } from '../idempotency/answer-outcome.ts'
import { idempotencyMarks } from '../idempotency/marks.ts'
import type { ReplayPorts } from './replay-webhook-delivery.ts'

/**
 * Has told again what an endpoint missed since a time, a bounded number at each call and while a bounded number waits.
 * @throws Fault `webhooks/endpoint_unknown`, the same for one that never was and for another merchant's; `webhooks/endpoint_disabled`,
 * `webhooks/replay_running`, `idempotency/key_reused`, `idempotency/in_flight`, `store/unavailable`
 */
export async function replayWebhookEndpoint(
  ports: Omit<ReplayPorts, 'database'> & { readonly events: EventStore }, call: Call<'replayWebhookEndpoint'>,
): Promise<Answer> {
  const { events } = ports
  const { caller: { tenant }, params: { id }, body } = call
  const marks = idempotencyMarks(ports.idempotencySecret, tenant, { ...call, key: call.idempotencyKey })
  const before = await events.findAnswer(tenant, marks)
  if (before.kind !== 'in_flight') return answerOutcome(before, { status: 202 })
  const endpoint = await events.findWebhookEndpoint(tenant, id)
  if (endpoint === undefined) throw new Fault('webhooks/endpoint_unknown', `no ${id} for this tenant`)
  if (endpoint.disabled !== null) throw new Fault('webhooks/endpoint_disabled', `${id} is disabled`)
  const nowMs = ports.clock.nowMs()
  const sinceMs = Math.max(Date.parse(body.since), nowMs - replaySinceMsMax)
  const found = await events.findReplayable(tenant, id, { sinceMs, state: body.state === 'all' ? null : body.state, nowMs })
  if (found.pending >= replayMax) throw new Fault('webhooks/replay_running', `${found.pending} wait for ${id}`)
  const [chosen, next] = [found.deliveries.slice(0, replayMax), found.deliveries[replayMax]]
  const view: WebhookReplayView = {
    object: 'webhook_replay', endpoint: id, since: new Date(sinceMs).toISOString(), deliveries: chosen.length,
    continue_from: next === undefined ? null : new Date(next.atMs).toISOString(),
  }
  const answer = { status: 202, body: JSON.stringify(view) }
  const outcome = await events.replayDeliveries({
    tenant, endpoint: id, ids: chosen.map((one) => one.id), atMs: nowMs, idempotency: { ...marks, answer },
    event: emit({ ...ports, process: 'gateway' }, 'webhook_endpoint.replayed', tenant, { endpoint: id, deliveries: chosen.length }),
  })
  return answerOutcome(outcome, { ...answer, contentType: jsonType })
}
