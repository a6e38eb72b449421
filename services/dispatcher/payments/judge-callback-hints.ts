import { emit } from '@ngome/contracts'
import { Fault } from '@ngome/kernel'
import type { CallbackHint, DispatchablePayment, HintedPayment } from '@ngome/store'
import { eventSource, type PaymentDispatcher } from '../dispatcher.ts'
import { networkOf } from './dispatch-payment.ts'

/** A hint, and the end that it claims, where it claims one. */
type ReadHint = { readonly hint: CallbackHint; readonly claim: 'succeeded' | 'failed' | undefined }

/**
 * Opens the hints of a payment that nobody has judged yet, as they were loaded with it.
 * @throws Fault `custodian/unavailable` where a hint cannot be opened now: it is judged when the job runs again
 */
export async function readCallbackHints(dispatcher: PaymentDispatcher, { payment, hints }: HintedPayment, signal: AbortSignal): Promise<readonly ReadHint[]> {
  const read: ReadHint[] = []
  for (const hint of hints) {
    read.push({ hint, claim: await claimOf(dispatcher, payment, hint, signal) })
  }
  return read
}

/**
 * Compares what callbacks claimed with how the payment ended, and reports a claim that contradicts it: somebody lies, or
 * the network does not know its own mind. Each hint is judged once, those that came before the end and those after it.
 */
export async function judgeCallbackHints(dispatcher: PaymentDispatcher, before: DispatchablePayment, hints: readonly ReadHint[]): Promise<void> {
  const { payments, clock, logger } = dispatcher
  const { tenant, id } = before
  for (const { hint, claim } of hints) {
    await payments.judgeHint(tenant, { id: hint.id, payment: id, atMs: clock.nowMs() }, (status) => {
      // Of what was taken back both have been true.
      if (claim === undefined || claim === status || status === 'reversed') return null
      logger.warn({ payment: id, claim, status }, 'a callback contradicts the network')
      return emit(eventSource(dispatcher), 'callback.contradicted', tenant, { payment: id })
    })
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
