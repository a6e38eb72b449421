import { emit } from '@ngome/contracts'
import { appendEvent, findPayment, inTenant, loadCallbackHints, type CallbackHint, type DispatchablePayment } from '@ngome/store'
import { eventSource, type Dispatcher } from '../dispatcher.ts'
import { networkOf } from './dispatch-payment.ts'

/** The gateway's clock and ours may differ by this much; a hint judged twice costs a second warning, no more. */
const clocksDifferMs = 1_000

/**
 * Compares what callbacks claimed with how the payment ended, and reports a claim that contradicts it: somebody lies, or
 * the network does not know its own mind.
 * @param which hints that came after the payment's end are judged when they come, earlier ones when it ends
 */
export async function judgeCallbackHints(
  dispatcher: Dispatcher, before: DispatchablePayment, which: 'all' | 'since_its_end', signal: AbortSignal,
): Promise<void> {
  const { db, logger } = dispatcher
  const { tenant, id } = before
  const hints = await loadCallbackHints(db, tenant, id)
  if (hints.length === 0) return
  const payment = await findPayment(db, tenant, id)
  const sinceMs = which === 'all' || payment === undefined ? 0 : payment.updatedAtMs - clocksDifferMs
  for (const hint of hints.filter(({ receivedAtMs }) => receivedAtMs >= sinceMs)) {
    const claim = await claimOf(dispatcher, before, hint, signal)
    if (claim === undefined || claim === payment?.status) continue
    logger.warn({ payment: id, claim, status: payment?.status }, 'a callback contradicts the network')
    const event = emit(eventSource(dispatcher), 'callback.contradicted', tenant, { payment: id })
    await inTenant(db, tenant, (tx) => appendEvent(tx, event))
  }
}

async function claimOf(
  dispatcher: Dispatcher, payment: DispatchablePayment, hint: CallbackHint, signal: AbortSignal,
): Promise<'succeeded' | 'failed' | undefined> {
  const opening = await dispatcher.openSealed('callback-hint', {
    dataKey: hint.dataKey.sealed,
    context: { tenant: payment.tenant, table: 'callback_hints', recordId: hint.id, dataClass: 'restricted', version: 1 },
    blob: hint.sealed,
  }, signal)
  if (opening.kind !== 'opened') return undefined
  return networkOf(dispatcher, payment).connector.readCallback(opening.plaintext)
}
