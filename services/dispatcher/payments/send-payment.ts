import { setTimeout as sleep } from 'node:timers/promises'
import { emit } from '@ngome/contracts'
import { newId, Secret } from '@ngome/kernel'
import { callbackToken } from '@ngome/signatures'
import { markAttemptSent, markAttemptTaken, prepareAttempt } from '@ngome/store'
import type { RequestOutcome } from '../connectors/payment-network.ts'
import { eventSource, type Dispatcher, type Network } from '../dispatcher.ts'
import { endPayment } from './end-payment.ts'
import { newReference } from './new-reference.ts'
import type { OpenedPayment } from './open-payment.ts'
import { enquireLater } from './schedule.ts'

/** Tries at a network that certainly heard nothing, before the rest is left to enquiries. */
const unheardTriesMax = 3
const unheardPauseMs = 500

/** Sends a payment for the first time. Its reference, and that it may have left, are on disk before the first byte. */
export async function sendPayment(dispatcher: Dispatcher, network: Network, opened: OpenedPayment): Promise<void> {
  const { db, clock, random } = dispatcher
  const { payment } = opened
  const { tenant, id } = payment
  const attempt = await prepareAttempt(db, tenant, id, {
    id: newId('attempt', { clock, random }), reference: newReference(random), atMs: clock.nowMs(),
  })
  if (attempt === undefined) return
  if (attempt.state !== 'prepared') {
    await enquireLater(dispatcher, payment, 0)
    return
  }
  const sentAtMs = clock.nowMs()
  const event = emit(eventSource(dispatcher), 'payment.processing', tenant, { payment: id, status: 'processing' })
  const marked = await markAttemptSent(db, tenant, { payment: id, fence: attempt.fence, atMs: sentAtMs }, event)
  // Whoever took the attempt over goes on with it.
  if (marked === 'superseded') return
  const outcome = await request(dispatcher, network, opened, attempt.reference, sentAtMs)
  if (outcome.kind === 'refused' && await isUnknownToNetwork(network, opened, attempt.reference)) {
    // The only sending there was has been refused, and the network has nothing of it.
    await endPayment(dispatcher, payment, attempt.fence, {
      status: 'failed', failure: outcome.failure, networkReason: outcome.reason,
    })
    return
  }
  await enquireLater(dispatcher, payment, network.enquiryIntervalMs)
}

/** Sends the same reference again, for a payment that the network does not know after its settling time. */
export async function sendAgain(dispatcher: Dispatcher, network: Network, opened: OpenedPayment, fence: number): Promise<void> {
  const { db, clock, random } = dispatcher
  const { tenant, id } = opened.payment
  const attempt = await prepareAttempt(db, tenant, id, {
    id: newId('attempt', { clock, random }), reference: newReference(random), atMs: clock.nowMs(),
  })
  // Another took it in hand since we looked, or it has ended.
  if (attempt?.state !== 'sent' || attempt.fence !== fence + 1) return
  await request(dispatcher, network, opened, attempt.reference, clock.nowMs())
}

async function request(
  dispatcher: Dispatcher, network: Network, opened: OpenedPayment, reference: string, decidedAtMs: number,
): Promise<RequestOutcome> {
  const { db, clock, callbacks, logger } = dispatcher
  const { payment, sealed } = opened
  const token = callbackToken(callbacks.secret, payment.tenant, payment.id)
  let outcome: RequestOutcome = { kind: 'not_sent', reason: 'too late to send' }
  for (let tries = 1; tries <= unheardTriesMax; tries++) {
    if (tries > 1) await sleep(unheardPauseMs)
    // A process that was suspended after it said "sent" must not wake up much later and send: by then the payment may
    // have been given up.
    if (clock.nowMs() - decidedAtMs > network.sendWithinMs) break
    outcome = await network.connector.requestPayment({
      reference,
      payment: payment.id,
      money: { amountMinor: BigInt(sealed.amount_minor), currency: payment.currency },
      payerPhone: new Secret(sealed.payer.phone),
      description: sealed.description,
      callbackUrl: `${callbacks.baseUrl}/v1/callbacks/${network.provider}/${token}`,
    })
    if (outcome.kind !== 'not_sent') break
  }
  logger.info({ payment: payment.id, reference, outcome }, 'payment requested')
  if (outcome.kind === 'taken') await markAttemptTaken(db, payment.tenant, { payment: payment.id, atMs: clock.nowMs() })
  return outcome
}

/** Asked after the refusal, so that what it says is of a time when the only sending was over. */
async function isUnknownToNetwork({ connector }: Network, { payment }: OpenedPayment, reference: string): Promise<boolean> {
  const money = { amountMinor: payment.amountMinor, currency: payment.currency }
  const answer = await connector.enquire({ reference, payment: payment.id, money })
  return answer.kind === 'not_found'
}
