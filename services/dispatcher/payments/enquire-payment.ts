import type { JobData } from '@ngome/contracts'
import type { PaymentDispatcher } from '../dispatcher.ts'
import { judgeCallbackHints, readCallbackHints } from './judge-callback-hints.ts'
import { lookForReversal } from './look-for-reversal.ts'
import { enquireLater } from './schedule.ts'
import { settlePayment } from './settle-payment.ts'

/**
 * The job that asks a network how a payment stands: some time after it was sent, again while it is open, and at once
 * when a callback came. What has succeeded is asked about where a callback says anything else, or a person wants to know.
 * @throws Fault `custodian/unavailable` or `store/unavailable`, after which the job runs again
 */
export async function enquirePayment(
  dispatcher: PaymentDispatcher, { payment: id, merchant, world, refusal, turn, recheck }: JobData<'payment-enquire'>, signal: AbortSignal,
): Promise<void> {
  const tenant = { merchant, world }
  const settlement = await settlePayment(dispatcher, tenant, id, signal, refusal)
  switch (settlement.kind) {
    case 'nothing_sent': return
    case 'open': return enquireLater(dispatcher, settlement.payment, settlement.againAfterMs, { turn, refusal })
    case 'ended': return judgeCallbackHints(dispatcher, settlement.found.payment, await readCallbackHints(dispatcher, settlement.found, signal))
    case 'ended_before': {
      const { payment } = settlement.found
      const hints = await readCallbackHints(dispatcher, settlement.found, signal)
      // That it succeeded is known. Each other hint leads to one question, since it is judged then, and a payment keeps few.
      if (recheck === true || hints.some(({ claim }) => claim !== 'succeeded')) await lookForReversal(dispatcher, payment)
      return judgeCallbackHints(dispatcher, payment, hints)
    }
    default: settlement satisfies never
  }
}
