import { setTimeout as sleep } from 'node:timers/promises'
import type { Event } from '@ngome/contracts'
import { Fault, type Random } from '@ngome/kernel'
import type { Ngome, Payment } from '@ngome/sdk'
import { listEvents, type Database, type EventCursor } from '@ngome/store'
import { randomUuid } from '../random-uuid.ts'
import type { AuditorView } from './auditor-view.ts'
import type { Scene } from './scenes.ts'
import type { Stage } from './stage.ts'
import type { ReceivedWebhook, WebhookReceiver } from './webhook-receiver.ts'

export type Cast = {
  readonly ngome: Ngome
  readonly db: Database
  readonly auditor: AuditorView
  readonly receiver: WebhookReceiver
  readonly stage: Stage
  readonly random: Random
  readonly interrupted: AbortSignal
}

export type SceneResult = {
  readonly phone: string
  readonly payment: string
  readonly status: string
  readonly failure: string | null
  readonly isWebhookVerified: boolean
  readonly isAsExpected: boolean
}

/** Longer than the simulated payer's patience and the dispatcher's pauses together. */
const endMsMax = 60_000
const lookMs = 100

/** Takes one payment and tells its life, station by station, as it happens. */
export async function playScene(scene: Scene, cast: Cast): Promise<SceneResult> {
  const { stage, receiver, ngome } = cast
  const cursor = await lastCursor(cast.db)
  const payment = await accept(scene, cast)
  await showSealed(scene, payment.id, cast)
  await followToEnd(payment.id, cursor, cast)
  await showNetwork(payment.id, cast)
  const webhook = await within(receiver.about(payment.id), cast.interrupted)
  showWebhook(webhook, stage)
  const { status, failure } = await ngome.payments.get(payment.id)
  const isAsExpected = status === scene.status && (failure?.code ?? null) === scene.failure && webhook.isVerified
  stage.end(isAsExpected, `${status}${failure === null ? '' : `, ${failure.code}`}`)
  return { phone: scene.phone, payment: payment.id, status, failure: failure?.code ?? null, isWebhookVerified: webhook.isVerified, isAsExpected }
}

async function accept(scene: Scene, { ngome, random, stage }: Cast): Promise<Payment> {
  const startedAtMs = performance.now()
  const payment = await ngome.payments.create({
    amount: scene.amount, currency: 'EUR', network: 'mtn-sandbox', payer: { phone: scene.phone }, reference: `demo-${randomUuid(random)}`,
  })
  const tookMs = performance.now() - startedAtMs
  stage.station('gateway', `accepted in ${Math.round(tookMs)} ms: ${payment.id} is ${payment.status}; the payer comes back as ${payment.payer.phone}`)
  return payment
}

async function showSealed({ phone }: Scene, id: string, { auditor, stage }: Cast): Promise<void> {
  const { sealedBytes, sealedStart, holds } = await auditor.payment(id)
  stage.station('database', `payer, amount, network and payee are one sealed record of ${sealedBytes} bytes: ${sealedStart} …`)
  const isThere = holds(phone) || holds(phone.slice(1))
  stage.station('', isThere ? 'the phone number stands in the row!' : 'the phone number is nowhere in the row')
  if (isThere) throw new Fault('launcher/failed', 'a payer\'s phone number stands readable in the database')
}

/** The events of the payment, as they are committed, until it has ended. */
async function followToEnd(id: string, from: EventCursor, { db, stage, interrupted }: Cast): Promise<void> {
  let cursor = from
  for (let waitedMs = 0; waitedMs < endMsMax && !interrupted.aborted; waitedMs += lookMs) {
    const page = await listEvents(db, { after: cursor, limit: 500 })
    ;({ cursor } = page)
    // Of its webhook the merchant tells.
    const own = page.events.filter(({ type, data }) => data['payment'] === id && !type.startsWith('webhook.'))
    for (const event of own) stage.station(event.process, eventStory(event))
    if (own.some(({ type }) => type === 'payment.succeeded' || type === 'payment.failed')) return
    await sleep(lookMs)
  }
  throw new Fault('launcher/failed', `${id} has not ended within ${endMsMax / 1000} s`)
}

function eventStory({ type, data }: Event): string {
  switch (type) {
    case 'payment.accepted': return 'payment, ledger transfer, idempotency record, event and job committed together'
    case 'payment.processing': return 'had the custodian derive this one record\'s key, opened it, noted its attempt, asked the network'
    case 'callback.received': return 'took the network\'s callback as a hint; it is asked, not believed'
    case 'payment.succeeded': return 'the network says paid: outcome, ledger and webhook job committed together'
    case 'payment.failed': return `the network says no (${JSON.stringify(data['failure'])}): outcome, ledger and webhook job committed together`
    default: return type
  }
}

async function showNetwork(id: string, { auditor, stage }: Cast): Promise<void> {
  const attempt = await auditor.attempt(id)
  if (attempt === undefined) return
  const { reference, networkReference, networkReason } = attempt
  const answer = networkReason === null ? `SUCCESSFUL, transaction ${networkReference ?? 'unnamed'}` : `FAILED, ${networkReason}`
  stage.station('network', `answered to reference ${reference}: ${answer}`)
}

function showWebhook({ id, type, signature, isVerified }: ReceivedWebhook, stage: Stage): void {
  stage.station('merchant', `webhook ${id} arrived: ${type}`)
  stage.station('', isVerified
    ? `its signature is valid: ${signature.slice(0, 24)}…`
    : `its signature is NOT valid: ${signature}`)
}

async function lastCursor(db: Database): Promise<EventCursor> {
  for (let cursor: EventCursor | null = null; ;) {
    const page: Awaited<ReturnType<typeof listEvents>> = await listEvents(db, { after: cursor, limit: 1_000 })
    ;({ cursor } = page)
    if (page.events.length === 0) return page.cursor
  }
}

async function within<T>(promise: Promise<T>, interrupted: AbortSignal): Promise<T> {
  const late = sleep(endMsMax, undefined, { signal: interrupted, ref: false })
    .catch(() => undefined)
    .then(() => { throw new Fault('launcher/failed', 'the webhook did not arrive') })
  return Promise.race([promise, late])
}
