import { emit } from '@ngome/contracts'
import { Fault } from '@ngome/kernel'
import { newWebhookSecret } from '@ngome/signatures'
import { findAnswer, findWebhookEndpoint, replaceWebhookSecret as replaceRow, type WebhookEndpointRow } from '@ngome/store'
import { jsonType, type Answer } from '../http/answer.ts'
import type { Call } from '../http/call.ts'
import { answerOutcome } from '../idempotency/answer-outcome.ts'
import { idempotencyMarks } from '../idempotency/marks.ts'
import type { CreateWebhookEndpointPorts } from './create-webhook-endpoint.ts'
import { sealWebhookSecret } from './seal-webhook-secret.ts'
import type { StateTermsPorts } from './state-terms.ts'
import { webhookEndpointView } from './webhook-endpoint-view.ts'

/**
 * Gives an endpoint a new secret and shows it, this once. The one before signs beside it for as long as was asked for.
 * Two sign at most: while one takes over, the next comes only where all before it end at once, so that nobody pushes
 * out a secret that receivers still verify with.
 * @throws Fault `webhooks/endpoint_unknown`, the same for one that never was and for another merchant's;
 * `webhooks/secret_rolling`, `idempotency/key_reused`, `idempotency/in_flight`, `custodian/unavailable`, `store/unavailable`
 */
export async function replaceWebhookSecret(
  ports: Omit<CreateWebhookEndpointPorts, keyof StateTermsPorts>, call: Call<'replaceWebhookSecret'>,
): Promise<Answer> {
  const { caller: { tenant }, params: { id }, body: { expires_in: expiresInS } } = call
  const marks = idempotencyMarks(ports.idempotencySecret, tenant, { ...call, key: call.idempotencyKey })
  // First: a repetition finds the roll that it is the repetition of still going on.
  const before = await findAnswer(ports.database, tenant, marks)
  if (before.kind !== 'in_flight') return answerOutcome(before, { status: 200 })
  const endpoint = await findWebhookEndpoint(ports.database, tenant, id)
  if (endpoint === undefined) throw new Fault('webhooks/endpoint_unknown', `no ${id} for this tenant`)
  const nowMs = ports.clock.nowMs()
  if (expiresInS > 0 && (endpoint.secret.previousEndsAtMs ?? 0) > nowMs) {
    throw new Fault('webhooks/secret_rolling', `version ${endpoint.secret.version} of ${id} takes over still`)
  }
  return replace(ports, marks, endpoint, { nowMs, previousEndsAtMs: expiresInS === 0 ? null : nowMs + expiresInS * 1_000 })
}

async function replace(
  ports: Omit<CreateWebhookEndpointPorts, keyof StateTermsPorts>, marks: ReturnType<typeof idempotencyMarks>,
  endpoint: WebhookEndpointRow,
  { nowMs, previousEndsAtMs }: { readonly nowMs: number; readonly previousEndsAtMs: number | null },
): Promise<Answer> {
  const { tenant, id } = endpoint
  const version = endpoint.secret.version + 1
  const secret = newWebhookSecret(ports.random)
  const record = await sealWebhookSecret(ports, tenant, id, version, secret)
  const view = webhookEndpointView({ ...endpoint, secret: { version, createdAtMs: nowMs, previousEndsAtMs } }, nowMs)
  const outcome = await replaceRow(ports.database, {
    tenant,
    secret: { endpoint: id, version, dataKey: record.dataKey, sealed: record.blob, createdAtMs: nowMs },
    previousEndsAtMs,
    event: emit({ ...ports, process: 'gateway' }, 'webhook_endpoint.secret_rolled', tenant, {
      endpoint: id, version, previous_ends_at: new Date(previousEndsAtMs ?? nowMs).toISOString(),
    }),
    idempotency: { ...marks, answer: { status: 200, body: JSON.stringify({ ...view, secret: null }) } },
  })
  const body = secret.expose((text) => JSON.stringify({ ...view, secret: text }))
  return answerOutcome(outcome, { status: 200, contentType: jsonType, body })
}
