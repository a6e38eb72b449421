import type { JobData } from '@ngome/contracts'
import { enqueue, inTenant, type DispatchablePayment } from '@ngome/store'
import type { Dispatcher } from '../dispatcher.ts'

/** A payment that could not be sent is tried again in proportion to its age, within these bounds. */
const shareOfAge = 0.25
const dispatchAgainMinMs = 1_000
const dispatchAgainMaxMs = 30_000

/** The network's no to the only sending there was, which its enquiries carry along. */
export type NetworkRefusal = NonNullable<JobData<'payment-enquire'>['refusal']>

/** @throws Fault `store/unavailable` */
export async function enquireLater(
  { db }: Pick<Dispatcher, 'db'>, { tenant, id }: DispatchablePayment, afterMs: number, refusal?: NetworkRefusal,
): Promise<void> {
  const data = { ...tenant, payment: id, ...(refusal === undefined ? {} : { refusal }) }
  await inTenant(db, tenant, (tx) => enqueue(tx, 'payment-enquire', data, { startAfterMs: afterMs }))
  if (afterMs === 0) db.wake('payment-enquire')
}

/** @throws Fault `store/unavailable` */
export async function dispatchLater(
  { db, clock }: Pick<Dispatcher, 'db' | 'clock'>, { tenant, id, createdAtMs }: DispatchablePayment,
): Promise<void> {
  const ageMs = clock.nowMs() - createdAtMs
  const startAfterMs = Math.min(Math.max(dispatchAgainMinMs, Math.round(ageMs * shareOfAge)), dispatchAgainMaxMs)
  await inTenant(db, tenant, (tx) => enqueue(tx, 'payment-dispatch', { ...tenant, payment: id }, { startAfterMs }))
}
