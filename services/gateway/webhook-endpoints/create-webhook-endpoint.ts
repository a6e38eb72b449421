import { emit } from '@ngome/contracts'
import { newId, type Clock, type Random, type Secret } from '@ngome/kernel'
import { newWebhookSecret } from '@ngome/signatures'
import { insertWebhookEndpoint, type Database } from '@ngome/store'
import { jsonType, type Answer } from '../http/answer.ts'
import type { Call } from '../http/call.ts'
import { answerOutcome } from '../idempotency/answer-outcome.ts'
import { idempotencyMarks } from '../idempotency/marks.ts'
import type { DataKeys } from '../keys/data-keys.ts'
import { sealWebhookSecret } from './seal-webhook-secret.ts'
import { stateTerms, type StateTermsPorts } from './state-terms.ts'
import { webhookEndpointView } from './webhook-endpoint-view.ts'

export type CreateWebhookEndpointPorts = StateTermsPorts & {
  readonly database: Database
  readonly dataKeys: DataKeys
  readonly idempotencySecret: Secret<Uint8Array>
  readonly clock: Clock
  readonly random: Random
}

/**
 * Adds an endpoint and shows its secret, this once: what is kept for a repetition is the answer without it, since we
 * cannot open what we sealed.
 * @throws Fault `webhooks/address_refused`, `webhooks/encryption_key_missing`, `webhooks/too_many`, `idempotency/key_reused`, `idempotency/in_flight`
 */
export async function createWebhookEndpoint(
  ports: CreateWebhookEndpointPorts, call: Call<'createWebhookEndpoint'>,
): Promise<Answer> {
  const { tenant } = call.caller
  const id = newId('webhookEndpoint', ports)
  const terms = await stateTerms(ports, tenant, id, call.body)
  const createdAtMs = ports.clock.nowMs()
  const secret = newWebhookSecret(ports.random)
  const record = await sealWebhookSecret(ports, tenant, id, 1, secret)
  const view = webhookEndpointView(
    { id, tenant, ...terms, held: null, failingSinceMs: null, disabled: null, createdAtMs, secret: { version: 1, createdAtMs, previousEndsAtMs: null } }, createdAtMs)
  const outcome = await insertWebhookEndpoint(ports.database, {
    tenant,
    endpoint: { id, ...terms, dataKey: record.dataKey, sealedSecret: record.blob, createdAtMs },
    event: emit({ ...ports, process: 'gateway' }, 'webhook_endpoint.created', tenant, { endpoint: id }),
    idempotency: {
      ...idempotencyMarks(ports.idempotencySecret, tenant, { ...call, key: call.idempotencyKey }),
      answer: { status: 201, body: JSON.stringify({ ...view, secret: null }) },
    },
  })
  const body = secret.expose((text) => JSON.stringify({ ...view, secret: text }))
  return answerOutcome(outcome, { status: 201, contentType: jsonType, body })
}
