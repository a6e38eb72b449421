import { emit } from '@ngome/contracts'
import { Fault } from '@ngome/kernel'
import type { CallbackHint, DispatchablePayment } from '@ngome/store'
import { eventSource, type PaymentDispatcher } from '../dispatcher.ts'
import { networkOf } from './dispatch-payment.ts'

/**
 * Compares what callbacks claimed with how the payment ended, and reports a claim that contradicts it: somebody lies, or
 * the network does not know its own mind. Each hint is judged once, those that came before the end and those after it.
 * @throws Fault `custodian/unavailable` where a hint cannot be opened now: it is judged when the job runs again
 */
export async function judgeCallbackHints(dispatcher: PaymentDispatcher, before: DispatchablePayment, signal: AbortSignal): Promise<void> {
  const { payments, clock, logger } = dispatcher
  const { tenant, id } = before
  const hints = await payments.loadCallbackHints(tenant, id)
  if (hints.length === 0) return
  const payment = await payments.findPayment(tenant, id)
  for (const hint of hints) {
    const claim = await claimOf(dispatcher, before, hint, signal)
    const isContradicted = claim !== undefined && claim !== payment?.status
    if (isContradicted) logger.warn({ payment: id, claim, status: payment?.status }, 'a callback contradicts the network')
    const finding = isContradicted ? emit(eventSource(dispatcher), 'callback.contradicted', tenant, { payment: id }) : null
    await payments.markHintJudged(tenant, { id: hint.id, payment: id, atMs: clock.nowMs(), finding })
  }
}

async function claimOf(
  dispatcher: PaymentDispatcher, payment: DispatchablePayment, hint: CallbackHint, signal: AbortSignal,
): Promise<'succeeded' | 'failed' | undefined> {
  const opening = await dispatcher.openSealed('callback-hint', {
    dataKey: hint.dataKey.sealed,
    context: { tenant: payment.tenant, table: 'callback_hints', recordId: hint.id, dataClass: 'restricted', version: 1 },
    blob: hint.sealed,
  }, signal)
  if (opening.kind === 'later') throw new Fault('custodian/unavailable', `a callback's hint waits: ${opening.reason}`)
  if (opening.kind === 'opened') return networkOf(dispatcher, payment).connector.readCallback(opening.plaintext)
  // Nobody will ever know what it said.
  dispatcher.logger.warn({ payment: payment.id, hint: hint.id, reason: opening.reason }, 'a callback\'s hint did not open')
  return undefined
}
