import { emit, type Event, type JobData, type WebhookHoldReason } from '@ngome/contracts'
import { Fault, Secret, type Tenant, type WebhookDeliveryId } from '@ngome/kernel'
import { parseWebhookSecret, signWebhook } from '@ngome/signatures'
import {
  loadDelivery, recordDeliveryResult, type Delivery, type DeliveryResult, type SealedWebhookSecret, type WebhookAttemptResult,
} from '@ngome/store'
import { eventSource, type Dispatcher } from '../dispatcher.ts'
import { attemptReason } from './attempt-reason.ts'
import { holdEvent } from './hold-event.ts'
import { prepareMessage } from './prepare-message.ts'
import { isProof, proveDelivery } from './prove-delivery.ts'
import { parseRetryAfterMs, pauseAfterTry, pauseWhileHeld } from './retry-schedule.ts'
import { webhookBody } from './webhook-body.ts'

/** What came of one try. `detail`: for our own log, and for nobody else. */
type Try = { readonly attempt: WebhookAttemptResult; readonly retryAfterMs: number; readonly detail: string }

const away = { status: null, ms: null } as const

/**
 * The job that tells a merchant's endpoint what happened, signed as Standard Webhooks says. A webhook may arrive more
 * than once; its id is the same each time.
 * One that does not say what its payment's end proved is an alarm, and never sent. While its endpoint is not what its merchant
 * stated, or what it says could only be said in clear, it waits.
 * @throws Fault `custodian/unavailable` or `store/unavailable`, after which the job runs again
 */
export async function deliverWebhook(
  dispatcher: Dispatcher, { delivery: id, ...tenant }: JobData<'webhook-deliver'>, signal: AbortSignal,
): Promise<void> {
  const delivery = await loadDelivery(dispatcher.db, tenant, id)
  if (delivery?.state !== 'pending') return
  const body = provenBody(dispatcher, delivery)
  if (body === undefined) {
    dispatcher.logger.error({ delivery: id, payment: delivery.payment.id }, 'a webhook would say what was not proved; it is not sent')
    const alarm = emit(eventSource(dispatcher), 'payment.mismatch', tenant, { payment: delivery.payment.id, fields: ['webhook'] })
    await giveUp(dispatcher, tenant, delivery, { attempt: null, reason: 'withheld' }, [alarm])
    return
  }
  if (delivery.endpoint === null) {
    await giveUp(dispatcher, tenant, delivery, { attempt: null, reason: 'endpoint_deleted' })
    return
  }
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

/** @returns the bytes to send, or `undefined` where rows were changed since the end, or made up */
function provenBody({ callbacks: { secret } }: Dispatcher, delivery: Delivery): Uint8Array | undefined {
  // Without a proof the rows are nobody's word, and may not even make a body.
  if (delivery.proof === null) return undefined
  const { id, event, payment, proof } = delivery
  const body = webhookBody(delivery)
  return isProof(proveDelivery(secret, { delivery: id, event: event.id, payment, body }), proof) ? body : undefined
}

type Endpoint = NonNullable<Delivery['endpoint']>

/** The secrets that sign now, the newest first; they live in this job only. */
async function openSecrets(
  dispatcher: Dispatcher, tenant: Tenant, endpoint: Endpoint, signal: AbortSignal,
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
  dispatcher: Dispatcher, tenant: Tenant, endpoint: Endpoint, { version, dataKey, sealed }: SealedWebhookSecret, signal: AbortSignal,
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

async function send({ egress, clock, webhooks }: Dispatcher, { id, url, contentType, body }: Webhook, secrets: readonly Secret<Uint8Array>[]): Promise<Try> {
  const timestampS = Math.floor(clock.nowMs() / 1_000)
  const headers = { 'content-type': contentType, 'user-agent': 'Ngome', ...signWebhook(secrets, { id, timestampS, body }) }
  try {
    const startedAtMs = clock.nowMs()
    const sent = await egress.toWebhook(url, { method: 'POST', headers, body, timeoutMs: webhooks.timeoutMs })
    if (sent.kind !== 'answered') return { attempt: { ...away, reason: attemptReason(sent) }, retryAfterMs: 0, detail: sent.reason }
    const reason = sent.status >= 200 && sent.status < 300 ? 'accepted' : 'refused'
    const attempt = { status: sent.status, reason, ms: Math.max(0, clock.nowMs() - startedAtMs) } as const
    return { attempt, retryAfterMs: parseRetryAfterMs(sent.retryAfter), detail: String(sent.status) }
  } catch (error) {
    // A name may point to a public address tomorrow, so that even a refusal is tried again.
    if (error instanceof Fault && error.code === 'egress/refused') {
      return { attempt: { ...away, reason: 'not_reached' }, retryAfterMs: 0, detail: error.message }
    }
    throw error
  }
}

async function record(dispatcher: Dispatcher, tenant: Tenant, delivery: Delivery, { attempt, retryAfterMs, detail }: Try): Promise<void> {
  const { db, clock, random, logger, webhooks } = dispatcher
  const tries = delivery.tries + 1
  // Something may be sent again: its merchant and the operator need not look at it any more.
  const released = delivery.endpoint?.isHeld === true ? { released: delivery.endpoint.id } : {}
  logger.info({ delivery: delivery.id, payment: delivery.payment.id, tries, ...attempt, detail }, 'webhook tried')
  if (attempt.reason === 'accepted') {
    const event = emit(eventSource(dispatcher), 'webhook.delivered', tenant, { delivery: delivery.id, payment: delivery.payment.id })
    await recordDeliveryResult(db, tenant, delivery.id, { kind: 'delivered', attempt, event, ...released }, clock.nowMs())
    return
  }
  const afterMs = pauseAfterTry(tries, webhooks, random, retryAfterMs)
  if (afterMs === undefined) await giveUp(dispatcher, tenant, delivery, { attempt, reason: attempt.reason })
  else await recordDeliveryResult(db, tenant, delivery.id, { kind: 'retry', attempt, afterMs, ...released }, clock.nowMs())
}

/** Waits for its merchant, or for the operator; looked at again until it would be too old to be of use. */
async function hold(
  dispatcher: Dispatcher, tenant: Tenant, delivery: Delivery, { id: endpoint }: Endpoint, because: WebhookHoldReason,
): Promise<void> {
  const { db, clock, random, logger, webhooks } = dispatcher
  const afterMs = pauseWhileHeld(clock.nowMs() - delivery.createdAtMs, webhooks, random)
  logger.warn({ delivery: delivery.id, endpoint, because, afterMs }, 'a webhook is held: nothing is sent in its place')
  if (afterMs === undefined) {
    await giveUp(dispatcher, tenant, delivery, { attempt: null, reason: because })
    return
  }
  const event = holdEvent(dispatcher, tenant, endpoint, because)
  await recordDeliveryResult(db, tenant, delivery.id, { kind: 'held', endpoint, because, event, afterMs }, clock.nowMs())
}

async function giveUp(
  dispatcher: Dispatcher, tenant: Tenant, delivery: Delivery, end: Pick<DeliveryResult & { kind: 'given_up' }, 'attempt' | 'reason'>,
  alarms: readonly Event[] = [],
): Promise<void> {
  const { db, clock } = dispatcher
  const event = emit(eventSource(dispatcher), 'webhook.given_up', tenant, { delivery: delivery.id, payment: delivery.payment.id })
  await recordDeliveryResult(db, tenant, delivery.id, { kind: 'given_up', ...end, event, alarms }, clock.nowMs())
}
