import { emit, type Event, type JobData, type WebhookHoldReason } from '@ngome/contracts'
import { Fault, Secret, type Tenant, type WebhookDeliveryId } from '@ngome/kernel'
import { eventBody, isProvenEvent } from '@ngome/payments'
import { parseWebhookSecret, signWebhook } from '@ngome/signatures'
import type { Delivery, DeliveryResult, EndpointHealthRules, SealedWebhookSecret, WebhookAttemptResult } from '@ngome/store'
import { eventSource, type WebhookDispatcher } from '../dispatcher.ts'
import { attemptReason } from './attempt-reason.ts'
import { healthRules } from './endpoint-health.ts'
import { holdEvent } from './hold-event.ts'
import { prepareMessage } from './prepare-message.ts'
import { findProof } from './prove-by-word.ts'
import { parseRetryAfterMs, pauseAfterTry, pauseWhileHeld } from './retry-schedule.ts'

/** What came of one try. `detail`: for our own log, and for nobody else. */
type Try = { readonly attempt: WebhookAttemptResult; readonly retryAfterMs: number; readonly detail: string }

const away = { status: null, ms: null } as const

/**
 * The job that tells a merchant's endpoint what happened, signed as Standard Webhooks says. A webhook may arrive more
 * than once; its id is the same each time. What changed of one object is told to an endpoint in that order.
 * One that does not say what was proven when it happened is an alarm, and never sent. While its endpoint is not what its merchant
 * stated, or what it says could only be said in clear, it waits.
 * @throws Fault `custodian/unavailable` or `store/unavailable`, after which the job runs again
 */
export async function deliverWebhook(
  dispatcher: WebhookDispatcher, { delivery: id, ...tenant }: JobData<'webhook-deliver'>, signal: AbortSignal,
): Promise<void> {
  const delivery = await dispatcher.events.loadDelivery(tenant, id)
  if (delivery?.state !== 'pending') return
  const body = await provenBody(dispatcher, tenant, delivery)
  if (body === undefined) {
    dispatcher.logger.error({ delivery: id, payment: delivery.payment }, 'a webhook would say what was not proved; it is not sent')
    await giveUp(dispatcher, tenant, delivery, { attempt: null, reason: 'withheld' }, alarmOf(dispatcher, tenant, delivery))
    return
  }
  if (delivery.endpoint === null || delivery.endpoint.isDisabled) {
    await giveUp(dispatcher, tenant, delivery, { attempt: null, reason: delivery.endpoint === null ? 'endpoint_deleted' : 'endpoint_disabled' })
    return
  }
  if (await dispatcher.events.waitForTurn(tenant, id) === 'later') return
  const message = await prepareMessage(dispatcher, tenant, delivery.endpoint, body)
  if (message.kind === 'held') {
    await hold(dispatcher, tenant, delivery, delivery.endpoint, message.because)
    return
  }
  const secrets = await openSecrets(dispatcher, tenant, delivery.endpoint, signal)
  const webhook = { id, url: delivery.endpoint.url, ...message }
  const none = { attempt: { ...away, reason: 'secret_missing' }, retryAfterMs: 0, detail: 'no secret' } as const
  const result = secrets.length === 0 ? none : await send(dispatcher, webhook, secrets)
  await record(dispatcher, tenant, delivery, result)
}

/** @returns the bytes to send, or `undefined` where rows were changed since it happened, or made up */
async function provenBody(dispatcher: WebhookDispatcher, tenant: Tenant, { told }: Delivery): Promise<Uint8Array | undefined> {
  if (told === null) return undefined
  const proof = await findProof(dispatcher, tenant, told)
  return isProvenEvent(dispatcher.callbacks.secret, told.event, proof) ? eventBody(told.event) : undefined
}

function alarmOf(dispatcher: WebhookDispatcher, tenant: Tenant, { payment, endpoint, told }: Delivery): readonly Event[] {
  if (told?.event.kind === 'settlement') return [emit(eventSource(dispatcher), 'settlement.unproven', tenant, { settlement: told.event.settlement })]
  if (payment !== null) return [emit(eventSource(dispatcher), 'payment.mismatch', tenant, { payment, fields: ['webhook'] })]
  return endpoint === null ? [] : [emit(eventSource(dispatcher), 'webhook_endpoint.unproven', tenant, { endpoint: endpoint.id })]
}

type Endpoint = NonNullable<Delivery['endpoint']>

/** The secrets that sign now, the newest first; they live in this job only. */
async function openSecrets(
  dispatcher: WebhookDispatcher, tenant: Tenant, endpoint: Endpoint, signal: AbortSignal,
): Promise<readonly Secret<Uint8Array>[]> {
  const nowMs = dispatcher.clock.nowMs()
  const opened: Secret<Uint8Array>[] = []
  for (const sealed of endpoint.secrets) {
    if (sealed.endsAtMs !== null && sealed.endsAtMs <= nowMs) continue
    const secret = await openSecret(dispatcher, tenant, endpoint, sealed, signal)
    if (secret !== undefined) opened.push(secret)
  }
  return opened
}

async function openSecret(
  dispatcher: WebhookDispatcher, tenant: Tenant, endpoint: Endpoint, { version, dataKey, sealed }: SealedWebhookSecret, signal: AbortSignal,
): Promise<Secret<Uint8Array> | undefined> {
  const opening = await dispatcher.openSealed('webhook-secret', {
    dataKey: dataKey.sealed,
    context: { tenant, table: 'webhook_endpoints', recordId: endpoint.id, dataClass: 'restricted', version },
    blob: sealed,
  }, signal)
  if (opening.kind === 'opened') {
    const secret = parseWebhookSecret(new Secret(Buffer.from(opening.plaintext).toString('utf8')))
    opening.plaintext.fill(0)
    if (secret !== undefined) return secret
  }
  // No try of the endpoint's: the job runs again.
  if (opening.kind === 'later') throw new Fault('custodian/unavailable', `a webhook secret waits: ${opening.reason}`)
  dispatcher.logger.error({ endpoint: endpoint.id, version, opening: opening.kind }, 'a webhook secret did not open')
  return undefined
}

type Webhook = { readonly id: WebhookDeliveryId; readonly url: string; readonly contentType: string; readonly body: Uint8Array }

async function send({ egress, clock, webhooks }: WebhookDispatcher, { id, url, contentType, body }: Webhook, secrets: readonly Secret<Uint8Array>[]): Promise<Try> {
  const timestampS = Math.floor(clock.nowMs() / 1_000)
  const headers = { 'content-type': contentType, 'user-agent': 'Ngome', ...signWebhook(secrets, { id, timestampS, body }) }
  try {
    const startedAtMs = clock.nowMs()
    const sent = await egress.toWebhook(url, { method: 'POST', headers, body, timeoutMs: webhooks.timeoutMs })
    if (sent.kind !== 'answered') return { attempt: { ...away, reason: attemptReason(sent) }, retryAfterMs: 0, detail: sent.reason }
    const attempt = { status: sent.status, reason: answerReason(sent.status), ms: Math.max(0, clock.nowMs() - startedAtMs) } as const
    return { attempt, retryAfterMs: parseRetryAfterMs(sent.retryAfter), detail: String(sent.status) }
  } catch (error) {
    // A name may point to a public address tomorrow, so that even a refusal is tried again.
    if (error instanceof Fault && error.code === 'egress/refused') {
      return { attempt: { ...away, reason: 'not_reached' }, retryAfterMs: 0, detail: error.message }
    }
    throw error
  }
}

/** 410 says that it will never be there again (RFC 9110 §15.5.11): Standard Webhooks asks to take it by its word. */
function answerReason(status: number): 'accepted' | 'refused' | 'gone' {
  if (status === 410) return 'gone'
  return status >= 200 && status < 300 ? 'accepted' : 'refused'
}

async function record(dispatcher: WebhookDispatcher, tenant: Tenant, delivery: Delivery, { attempt, retryAfterMs, detail }: Try): Promise<void> {
  const { events, clock, random, logger, webhooks } = dispatcher
  const tries = delivery.tries + 1
  const rules = rulesFor(dispatcher, tenant, delivery)
  // Something may be sent again: its merchant and the operator need not look at it any more.
  const released = delivery.endpoint?.isHeld === true ? { released: delivery.endpoint.id } : {}
  logger.info({ delivery: delivery.id, payment: delivery.payment, tries, ...attempt, detail }, 'webhook tried')
  if (attempt.reason === 'accepted') {
    const event = emit(eventSource(dispatcher), 'webhook.delivered', tenant, { delivery: delivery.id, payment: delivery.payment })
    await events.recordDeliveryResult(tenant, delivery, { kind: 'delivered', attempt, event, ...released }, clock.nowMs(), rules)
    return
  }
  const ageMs = delivery.triedSinceMs === null ? 0 : clock.nowMs() - delivery.triedSinceMs
  const afterMs = attempt.reason === 'gone' ? undefined : pauseAfterTry({ tries, ageMs, retryAfterMs }, webhooks, random)
  if (afterMs === undefined) await giveUp(dispatcher, tenant, delivery, { attempt, reason: attempt.reason })
  else await events.recordDeliveryResult(tenant, delivery, { kind: 'retry', attempt, afterMs, ...released }, clock.nowMs(), rules)
}

/** Waits for its merchant, or for the operator; looked at again until it would be too old to be of use. */
async function hold(
  dispatcher: WebhookDispatcher, tenant: Tenant, delivery: Delivery, { id: endpoint }: Endpoint, because: WebhookHoldReason,
): Promise<void> {
  const { events, clock, random, logger, webhooks } = dispatcher
  const afterMs = pauseWhileHeld(clock.nowMs() - (delivery.triedSinceMs ?? clock.nowMs()), webhooks, random)
  logger.warn({ delivery: delivery.id, endpoint, because, afterMs }, 'a webhook is held: nothing is sent in its place')
  if (afterMs === undefined) {
    await giveUp(dispatcher, tenant, delivery, { attempt: null, reason: because })
    return
  }
  const event = holdEvent(dispatcher, tenant, endpoint, because)
  await events.recordDeliveryResult(tenant, delivery, { kind: 'held', endpoint, because, event, afterMs }, clock.nowMs(), rulesFor(dispatcher, tenant, delivery))
}

async function giveUp(
  dispatcher: WebhookDispatcher, tenant: Tenant, delivery: Delivery, end: Pick<DeliveryResult & { kind: 'given_up' }, 'attempt' | 'reason'>,
  alarms: readonly Event[] = [],
): Promise<void> {
  const { events, clock } = dispatcher
  const event = emit(eventSource(dispatcher), 'webhook.given_up', tenant, { delivery: delivery.id, payment: delivery.payment })
  await events.recordDeliveryResult(tenant, delivery, { kind: 'given_up', ...end, event, alarms }, clock.nowMs(), rulesFor(dispatcher, tenant, delivery))
}

/** The address was proven before anything was sent to it, and where nothing was there is nothing to follow. */
function rulesFor(dispatcher: WebhookDispatcher, tenant: Tenant, { endpointId, endpoint }: Delivery): EndpointHealthRules {
  return healthRules(dispatcher, tenant, endpointId, endpoint?.url ?? null)
}
