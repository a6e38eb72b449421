import type { JobData } from '@ngome/contracts'
import type { DispatchablePayment } from '@ngome/store'
import type { PaymentDispatcher } from '../dispatcher.ts'

/** A payment that could not be sent is tried again in proportion to its age, within these bounds. */
const shareOfAge = 0.25
const dispatchAgainMinMs = 1_000
const dispatchAgainMaxMs = 30_000

/** The network's no to the only sending there was, which its enquiries carry along. */
export type NetworkRefusal = NonNullable<JobData<'payment-enquire'>['refusal']>

/**
 * Plans the enquiry that comes after this turn, where nobody has planned it yet; after 0, the first. With it is noted that the network has it, where that is known by now.
 * @throws Fault `store/unavailable`
 */
export async function enquireLater(
  { payments }: Pick<PaymentDispatcher, 'payments'>, { tenant, id, network }: DispatchablePayment, afterMs: number,
  { turn = 0, refusal, takenAtMs }: { readonly turn?: number | undefined; readonly refusal?: NetworkRefusal | undefined; readonly takenAtMs?: number | undefined } = {},
): Promise<void> {
  const known = { ...refusal === undefined ? {} : { refusal }, ...takenAtMs === undefined ? {} : { takenAtMs } }
  await payments.scheduleEnquiry({ ...tenant, payment: id, network, turn, ...known }, afterMs)
}

/** @throws Fault `store/unavailable` */
export async function dispatchLater(
  { payments, clock }: Pick<PaymentDispatcher, 'payments' | 'clock'>, { tenant, id, network, createdAtMs }: DispatchablePayment,
): Promise<void> {
  const ageMs = clock.nowMs() - createdAtMs
  const startAfterMs = Math.min(Math.max(dispatchAgainMinMs, Math.round(ageMs * shareOfAge)), dispatchAgainMaxMs)
  await payments.scheduleDispatch({ ...tenant, payment: id, network }, startAfterMs)
}
