import type { JobData } from '@ngome/contracts'
import type { PaymentDispatcher } from '../dispatcher.ts'
import { judgeCallbackHints } from './judge-callback-hints.ts'
import { enquireLater } from './schedule.ts'
import { settlePayment } from './settle-payment.ts'

/**
 * The job that asks a network how a payment stands: some time after it was sent, again while it is open, and at once
 * when a callback came.
 * @throws Fault `custodian/unavailable` or `store/unavailable`, after which the job runs again
 */
export async function enquirePayment(
  dispatcher: PaymentDispatcher, { payment: id, refusal, turn, ...tenant }: JobData<'payment-enquire'>, signal: AbortSignal,
): Promise<void> {
  const settlement = await settlePayment(dispatcher, tenant, id, signal, refusal)
  switch (settlement.kind) {
    case 'nothing_sent': return
    case 'open': return enquireLater(dispatcher, settlement.payment, settlement.againAfterMs, { turn, refusal })
    case 'ended':
    case 'ended_before': return judgeCallbackHints(dispatcher, settlement.payment, signal)
    default: settlement satisfies never
  }
}
