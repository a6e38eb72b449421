import type { JobData } from '@ngome/contracts'
import type { DispatchablePayment } from '@ngome/store'
import type { PaymentDispatcher } from '../dispatcher.ts'

/** A payment that could not be sent is tried again in proportion to its age, within these bounds. */
const shareOfAge = 0.25
const dispatchAgainMinMs = 1_000
const dispatchAgainMaxMs = 30_000

/** The network's no to the only sending there was, which its enquiries carry along. */
export type NetworkRefusal = NonNullable<JobData<'payment-enquire'>['refusal']>

/** @throws Fault `store/unavailable` */
export async function enquireLater(
  { payments }: Pick<PaymentDispatcher, 'payments'>, { tenant, id }: DispatchablePayment, afterMs: number, refusal?: NetworkRefusal,
): Promise<void> {
  const data = { ...tenant, payment: id, ...(refusal === undefined ? {} : { refusal }) }
  await payments.schedule('payment-enquire', data, afterMs)
}

/** @throws Fault `store/unavailable` */
export async function dispatchLater(
  { payments, clock }: Pick<PaymentDispatcher, 'payments' | 'clock'>, { tenant, id, createdAtMs }: DispatchablePayment,
): Promise<void> {
  const ageMs = clock.nowMs() - createdAtMs
  const startAfterMs = Math.min(Math.max(dispatchAgainMinMs, Math.round(ageMs * shareOfAge)), dispatchAgainMaxMs)
  await payments.schedule('payment-dispatch', { ...tenant, payment: id }, startAfterMs)
}
