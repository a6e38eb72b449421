import { emit } from '@ngome/contracts'
import type { PaymentId, Tenant } from '@ngome/kernel'
import { hasEnded } from '@ngome/payments'
import {
  appendEvent, inTenant, loadPaymentForDispatch, markAttemptTaken, type Attempt, type DispatchablePayment, type PaymentOutcome,
} from '@ngome/store'
import { eventSource, type Dispatcher, type Network } from '../dispatcher.ts'
import { networkOf } from './dispatch-payment.ts'
import { endPayment } from './end-payment.ts'
import { afterNotFound, afterRefusedNotFound, nextEnquiryAfterMs } from './enquiry-schedule.ts'
import { openPayment, purposeOfSendingAgain } from './open-payment.ts'
import type { NetworkRefusal } from './schedule.ts'
import { sendAgain } from './send-payment.ts'

/** `open`: ask again after the wait. `ended_before`: somebody else had ended it. `nothing_sent`: there is nothing to ask about. */
export type Settlement =
  | { readonly kind: 'open'; readonly payment: DispatchablePayment; readonly againAfterMs: number }
  | { readonly kind: 'ended' | 'ended_before'; readonly payment: DispatchablePayment }
  | { readonly kind: 'nothing_sent' }

/**
 * Asks the network about a payment that may have been sent, and records what it says. The network's answer is the only
 * thing that is believed.
 * @param refusal the network's no, where it refused the only sending that there was when the enquiry was planned
 */
export async function settlePayment(
  dispatcher: Dispatcher, tenant: Tenant, id: PaymentId, signal: AbortSignal, refusal?: NetworkRefusal,
): Promise<Settlement> {
  const payment = await loadPaymentForDispatch(dispatcher.db, tenant, id)
  if (payment === undefined) return { kind: 'nothing_sent' }
  if (hasEnded(payment.status)) return { kind: 'ended_before', payment }
  const { attempt } = payment
  // What is only prepared is its dispatch job's to send.
  if (attempt?.state !== 'sent') return { kind: 'nothing_sent' }
  const network = networkOf(dispatcher, payment)
  const isEnded = await ask(dispatcher, network, payment, { attempt, refusal }, signal)
  if (isEnded) return { kind: 'ended', payment }
  return { kind: 'open', payment, againAfterMs: nextEnquiryAfterMs(ageAt(dispatcher.clock.nowMs(), attempt), network) }
}

type Asked = { readonly attempt: Attempt; readonly refusal: NetworkRefusal | undefined }

async function ask(
  dispatcher: Dispatcher, network: Network, payment: DispatchablePayment, { attempt, refusal }: Asked, signal: AbortSignal,
): Promise<boolean> {
  const { id, tenant } = payment
  const money = { amountMinor: payment.amountMinor, currency: payment.currency }
  // Before the question: what is not found is not found as of then, however late the answer comes.
  const askedAtMs = dispatcher.clock.nowMs()
  const answer = await network.connector.enquire({ direction: payment.direction, reference: attempt.reference, payment: id, money, original: null })
  dispatcher.logger.debug({ payment: id, answer }, 'payment enquired about')
  switch (answer.kind) {
    case 'succeeded':
      return isRecorded(dispatcher, payment, attempt.fence, { status: 'succeeded', networkReference: answer.networkReference })
    case 'failed':
      return isRecorded(dispatcher, payment, attempt.fence, { status: 'failed', failure: answer.failure, networkReason: answer.reason })
    case 'pending':
      if (attempt.takenAtMs === null) await markAttemptTaken(dispatcher.db, tenant, { payment: id, atMs: dispatcher.clock.nowMs() })
      return false
    case 'not_found': return notFound(dispatcher, network, payment, { attempt, refusal, askedAtMs }, signal)
    case 'differs': {
      const event = emit(eventSource(dispatcher), 'payment.mismatch', tenant, { payment: id, fields: [...answer.fields] })
      await inTenant(dispatcher.db, tenant, (tx) => appendEvent(tx, event))
      return false
    }
    case 'reversed':
      return isRecorded(dispatcher, payment, attempt.fence, { status: 'failed', failure: 'network_refused', networkReason: answer.reason })
    case 'ambiguous':
    case 'unknown': return false
    default: return answer satisfies never
  }
}

async function notFound(
  dispatcher: Dispatcher, network: Network, payment: DispatchablePayment,
  { attempt, refusal, askedAtMs }: Asked & { readonly askedAtMs: number }, signal: AbortSignal,
): Promise<boolean> {
  // The network had it once, so that it cannot have nothing: it is asked until it remembers.
  if (attempt.takenAtMs !== null) return false
  // Whoever took the attempt over since may have sent it again: then that no was not about the only sending.
  if (refusal?.fence === attempt.fence) {
    if (afterRefusedNotFound(ageAt(askedAtMs, attempt), network) === 'wait') return false
    return isRecorded(dispatcher, payment, attempt.fence, { status: 'failed', failure: refusal.failure, networkReason: refusal.reason })
  }
  switch (afterNotFound(ageAt(askedAtMs, attempt), attempt.sendings, network)) {
    case 'wait': return false
    case 'send_again': {
      const opening = await openPayment(dispatcher, purposeOfSendingAgain(payment, askedAtMs), payment, network, signal)
      if (opening.kind === 'opened') await sendAgain(dispatcher, network, opening.opened, { fence: attempt.fence, sendings: attempt.sendings, decidedAtMs: askedAtMs })
      else dispatcher.logger.warn({ payment: payment.id, opening: opening.kind }, 'not sent again: the record did not open')
      return false
    }
    case 'final':
      return isRecorded(dispatcher, payment, attempt.fence, { status: 'failed', failure: 'network_refused', networkReason: 'not_found' })
    default: return false
  }
}

/**
 * Ends the payment. Whoever took the attempt over meanwhile may still be sending and know no end, so that a superseded
 * one leaves it open here: its enquiries go on until somebody's end stands.
 */
async function isRecorded(dispatcher: Dispatcher, payment: DispatchablePayment, fence: number, outcome: PaymentOutcome): Promise<boolean> {
  return await endPayment(dispatcher, payment, fence, outcome) === 'recorded'
}

function ageAt(nowMs: number, attempt: Attempt): number {
  return nowMs - (attempt.sentAtMs ?? attempt.preparedAtMs)
}
