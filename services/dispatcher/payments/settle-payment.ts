import { emit } from '@ngome/contracts'
import type { PaymentId, Tenant } from '@ngome/kernel'
import { hasEnded } from '@ngome/payments'
import type { Attempt, DispatchablePayment, HintedPayment } from '@ngome/store'
import { eventSource, type Network, type PaymentDispatcher } from '../dispatcher.ts'
import { askNetwork } from './ask-network.ts'
import { networkOf } from './dispatch-payment.ts'
import { endPayment } from './end-payment.ts'
import { nextEnquiryAfterMs } from './enquiry-schedule.ts'
import { judgeAnswer, type Verdict } from './judge-answer.ts'
import { noteAction, withoutAction } from './note-action.ts'
import { openPayment, purposeOfSendingAgain } from './open-payment.ts'
import type { NetworkRefusal } from './schedule.ts'
import { sendAgain } from './send-payment.ts'
import { leaveOpen } from './leave-open.ts'

/** `open`: ask again after the wait. `ended_before`: somebody else had ended it. `nothing_sent`: there is nothing to ask about. `found`: as it was before. */
export type Settlement =
  | { readonly kind: 'open'; readonly payment: DispatchablePayment; readonly againAfterMs: number }
  | { readonly kind: 'ended' | 'ended_before'; readonly found: HintedPayment }
  | { readonly kind: 'nothing_sent' }

/**
 * Asks the network about a payment that may have been sent, and records what it says. The network's answer is the only
 * thing that is believed.
 * @param refusal the network's no, where it refused the only sending that there was when the enquiry was planned
 */
export async function settlePayment(
  dispatcher: PaymentDispatcher, tenant: Tenant, id: PaymentId, signal: AbortSignal, refusal?: NetworkRefusal,
): Promise<Settlement> {
  const found = await dispatcher.payments.loadPaymentForEnquiry(tenant, id)
  if (found === undefined) return { kind: 'nothing_sent' }
  const { payment } = found
  if (hasEnded(payment.status)) return { kind: 'ended_before', found }
  const { attempt } = payment
  // What is only prepared is its dispatch job's to send.
  if (attempt?.state !== 'sent') return { kind: 'nothing_sent' }
  const network = networkOf(dispatcher, payment)
  // Before the question: what is not found is not found as of then, however late the answer comes.
  const askedAtMs = dispatcher.clock.nowMs()
  const askedAtMonotonicMs = dispatcher.monotonicMs()
  const witnessedMs = dispatcher.witness.knownForMs(attempt)
  const answer = await askNetwork(dispatcher, network, payment, attempt)
  dispatcher.logger.debug({ payment: id, answer: withoutAction(answer) }, 'payment enquired about')
  const verdict = judgeAnswer(answer, {
    direction: payment.direction, isIdempotent: network.connector.isIdempotent, wasSeen: attempt.takenAtMs !== null,
    // Whoever took the attempt over since may have sent it again: then that no was not about the only sending.
    refusal: refusal?.fence === attempt.fence ? refusal : undefined,
    ageMs: Math.max(ageAt(askedAtMs, attempt), witnessedMs), witnessedMs, sendings: attempt.sendings,
  }, network)
  if (await isEnded(dispatcher, network, { payment, attempt, verdict, askedAtMs, askedAtMonotonicMs }, signal)) return { kind: 'ended', found }
  if (answer.kind === 'pending' && answer.action !== undefined) await noteAction(dispatcher, payment, attempt, answer.action)
  return { kind: 'open', payment, againAfterMs: nextEnquiryAfterMs(Math.max(ageAt(dispatcher.clock.nowMs(), attempt), witnessedMs), network) }
}

type Judged = {
  readonly payment: DispatchablePayment
  readonly attempt: Attempt
  readonly verdict: Verdict
  readonly askedAtMs: number
  readonly askedAtMonotonicMs: number
}

async function isEnded(
  dispatcher: PaymentDispatcher, network: Network, { payment, attempt, verdict, askedAtMs, askedAtMonotonicMs }: Judged, signal: AbortSignal,
): Promise<boolean> {
  switch (verdict.kind) {
    // Whoever took the attempt over meanwhile may still be sending and know no end, so that a superseded one leaves it open here:
    // its enquiries go on until somebody's end stands.
    case 'end': {
      dispatcher.witness.forget(attempt)
      return await endPayment(dispatcher, payment, attempt.fence, verdict.outcome) === 'recorded'
    }
    case 'open': {
      const { id, tenant } = payment
      if (verdict.differs !== undefined) {
        const event = emit(eventSource(dispatcher), 'payment.mismatch', tenant, { payment: id, fields: [...verdict.differs] })
        await dispatcher.payments.tell(tenant, event)
      }
      if (verdict.stands === 'processing' && attempt.takenAtMs === null) {
        await dispatcher.payments.markAttemptTaken(tenant, { payment: id, atMs: dispatcher.clock.nowMs() })
      }
      await leaveOpen(dispatcher, payment, attempt, verdict)
      return false
    }
    case 'send_again': {
      await leaveOpen(dispatcher, payment, attempt, { stands: 'in_doubt', isStuck: false })
      const opening = await openPayment(dispatcher, purposeOfSendingAgain(payment, askedAtMs), payment, network, signal)
      if (opening.kind === 'opened' && opening.opened.isAllowed) {
        await sendAgain(dispatcher, network, opening.opened, { fence: attempt.fence, sendings: attempt.sendings, decidedAt: { wallMs: askedAtMs, monotonicMs: askedAtMonotonicMs } })
      } else {
        dispatcher.logger.warn({ payment: payment.id, opening: opening.kind }, 'not sent again: the record did not open, or does not count any more')
      }
      return false
    }
    default: return verdict satisfies never
  }
}

function ageAt(nowMs: number, attempt: Attempt): number {
  return nowMs - (attempt.sentAtMs ?? attempt.preparedAtMs)
}
