import { newId, Secret } from '@ngome/kernel'
import { callbackToken } from '@ngome/signatures'
import type { Attempt, DispatchablePayment, NewAttempt, PaymentStore } from '@ngome/store'
import type { RequestOutcome } from '../connectors/payment-network.ts'
import type { Network, PaymentDispatcher } from '../dispatcher.ts'
import { changeProver } from '../webhooks/prove-change.ts'
import { proveFacts } from '../webhooks/prove-facts.ts'
import { endPayment } from './end-payment.ts'
import { leaveOpen } from './leave-open.ts'
import { movementEvent } from './movement-event.ts'
import { newReference } from './new-reference.ts'
import { noteAction, withoutAction } from './note-action.ts'
import type { OpenedPayment } from './open-payment.ts'
import { dispatchLater, enquireLater } from './schedule.ts'

/** Tries at a network that heard nothing, before the payment waits. */
const unheardTriesMax = 3
const unheardPauseMs = 500

/**
 * Sends a payment for the first time. The connection stands before the attempt is made and marked as sent, in one transaction, and both are on
 * disk before the first byte leaves: a network that cannot be reached leaves a payment that may simply be tried again.
 */
export async function sendPayment(dispatcher: PaymentDispatcher, network: Network, opened: OpenedPayment): Promise<void> {
  const { payments, clock } = dispatcher
  const { payment } = opened
  const { tenant, id } = payment
  // What nobody took in hand yet is made and marked at once.
  const made = payment.attempt === null ? newAttempt(dispatcher, opened) : null
  const attempt = made === null ? await takeInHand(dispatcher, opened) : { reference: made.reference, fence: 1, state: 'prepared' as const }
  if (attempt === undefined) return
  if (attempt.state !== 'prepared') {
    await enquireLater(dispatcher, payment, 0)
    return
  }
  const decidedAtMs = clock.nowMs()
  const decidedAt = { wallMs: decidedAtMs, monotonicMs: dispatcher.monotonicMs() }
  let marking: ReturnType<PaymentStore['markAttemptSent']> | undefined
  const outcome = await request(dispatcher, network, opened, { reference: attempt.reference, decidedAt }, async () => {
    const event = movementEvent(dispatcher, payment, 'processing')
    const prove = changeProver(dispatcher)
    marking ??= made === null
      ? payments.markAttemptSent(tenant, { payment: id, fence: attempt.fence, atMs: decidedAtMs }, event, prove)
      : payments.markNewAttemptSent(tenant, id, { ...made, atMs: decidedAtMs }, event, prove)
    return await marking === 'marked'
  })
  const mark = await marking
  // Whoever took the attempt over goes on with it, unless it dies: this may be the one job that there is.
  if (mark === undefined || mark === 'superseded') {
    await dispatchLater(dispatcher, payment)
  } else {
    const takenAtMs = outcome.kind === 'taken' ? clock.nowMs() : undefined
    if (outcome.kind === 'taken' && outcome.action !== undefined) {
      await noteTaken(dispatcher, payment, outcome)
      await noteAction(dispatcher, payment, attempt, outcome.action)
    }
    if (outcome.kind === 'unknown') await leaveOpen(dispatcher, payment, attempt, { stands: 'in_doubt', isStuck: false })
    // A refusal is the network's first word and not its last: what it says after its settling time is.
    const refusal = outcome.kind === 'refused' ? { fence: attempt.fence, failure: outcome.failure, reason: outcome.reason } : undefined
    await enquireLater(dispatcher, payment, network.enquiryIntervalMs, { refusal, takenAtMs })
  }
}

/** Ends, before anything was sent, what its network does not do, or what gives back a collection that is not there any more. */
export async function withhold(dispatcher: PaymentDispatcher, opened: OpenedPayment): Promise<void> {
  // Taken in hand all the same: the attempt proves what was compared, by which the merchant is told.
  const attempt = await takeInHand(dispatcher, opened)
  if (attempt === undefined) return
  if (attempt.state === 'prepared') await endPayment(dispatcher, opened.payment, attempt.fence, { status: 'failed', failure: opened.card === null ? 'card_unusable' : 'not_allowed', networkReason: null })
  else await enquireLater(dispatcher, opened.payment, 0)
}

/** Sends the same reference again, for a payment that the network does not know after its settling time. */
export async function sendAgain(
  dispatcher: PaymentDispatcher, network: Network, opened: OpenedPayment,
  { fence, sendings, decidedAt }: { readonly fence: number; readonly sendings: number; readonly decidedAt: DecidedAt },
): Promise<void> {
  const { payments } = dispatcher
  const { tenant, id } = opened.payment
  const attempt = await takeInHand(dispatcher, opened)
  // Another took it in hand since we looked, or it has ended.
  if (attempt?.state !== 'sent' || attempt.fence !== fence + 1) return
  let marking: ReturnType<PaymentStore['markAttemptSentAgain']> | undefined
  const outcome = await request(dispatcher, network, opened, { reference: attempt.reference, decidedAt }, async () => {
    marking ??= payments.markAttemptSentAgain(tenant, { payment: id, fence: attempt.fence, sendings })
    return await marking === 'marked'
  })
  await noteTaken(dispatcher, opened.payment, outcome)
}

async function noteTaken({ payments, clock }: PaymentDispatcher, { tenant, id }: DispatchablePayment, outcome: RequestOutcome): Promise<void> {
  if (outcome.kind === 'taken') await payments.markAttemptTaken(tenant, { payment: id, atMs: clock.nowMs() })
}

function takeInHand(dispatcher: PaymentDispatcher, opened: OpenedPayment): Promise<Attempt | undefined> {
  const { tenant, id } = opened.payment
  return dispatcher.payments.prepareAttempt(tenant, id, newAttempt(dispatcher, opened))
}

function newAttempt({ clock, random, callbacks }: PaymentDispatcher, { payment }: OpenedPayment): NewAttempt {
  return { id: newId('attempt', { clock, random }), reference: newReference(random), factsProof: proveFacts(callbacks.secret, payment), atMs: clock.nowMs() }
}

/** When somebody decided to send, by both clocks: the one on the wall goes on while a machine sleeps, the other cannot be set back. */
export type DecidedAt = { readonly wallMs: number; readonly monotonicMs: number }
type Sending = { readonly reference: string; readonly decidedAt: DecidedAt }

async function request(
  dispatcher: PaymentDispatcher, network: Network, opened: OpenedPayment, { reference, decidedAt }: Sending,
  mayLeave: () => Promise<boolean>,
): Promise<RequestOutcome> {
  const { clock, callbacks, logger } = dispatcher
  const { payment, sealed, original, card } = opened
  const token = callbackToken(callbacks.secret, payment.tenant, payment.id)
  // A process that was suspended must not wake up much later and send: by then the payment may have been given up.
  const isInTime = (): boolean => clock.nowMs() - decidedAt.wallMs <= network.sendWithinMs
    && dispatcher.monotonicMs() - decidedAt.monotonicMs <= network.sendWithinMs
  let isHeldBack = false
  let outcome: RequestOutcome = { kind: 'not_sent', reason: 'too late to send' }
  for (let tries = 1; tries <= unheardTriesMax && isInTime() && !isHeldBack; tries++) {
    if (tries > 1) await dispatcher.sleep(unheardPauseMs)
    outcome = await network.connector.request({
      direction: payment.direction,
      reference,
      payment: payment.id,
      money: { amountMinor: BigInt(sealed.amount_minor), currency: payment.currency },
      phone: sealed.payer === undefined ? null : new Secret(sealed.payer.phone),
      ...card === undefined || card === null ? {} : { card },
      description: sealed.description,
      original,
      callbackUrl: `${callbacks.baseUrl}/v1/callbacks/${network.provider}/${token}`,
      beforeFirstByte: async () => {
        isHeldBack = !(await mayLeave() && isInTime())
        return !isHeldBack
      },
    })
    if (outcome.kind !== 'not_sent') break
  }
  logger.info({ payment: payment.id, reference, outcome: withoutAction(outcome) }, 'payment requested')
  return outcome
}
