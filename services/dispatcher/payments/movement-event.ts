import { emit, movementNouns, type Event } from '@ngome/contracts'
import type { DispatchablePayment, PaymentOutcome } from '@ngome/store'
import { eventSource, type PaymentDispatcher } from '../dispatcher.ts'

/** What the operator hears of a movement, by its direction: `payout.in_doubt`, `refund.failed`. */
export function movementEvent(
  dispatcher: Pick<PaymentDispatcher, 'clock' | 'random'>, { direction, tenant, id }: Pick<DispatchablePayment, 'direction' | 'tenant' | 'id'>,
  now: 'processing' | 'in_doubt' | 'reversed' | PaymentOutcome,
): Event {
  const noun = movementNouns[direction]
  const from = eventSource(dispatcher)
  if (now === 'reversed') return emit(from, `${noun}.reversed`, tenant, { payment: id, status: now })
  if (typeof now === 'string') return emit(from, `${noun}.${now}`, tenant, { payment: id, status: now })
  return now.status === 'succeeded'
    ? emit(from, `${noun}.succeeded`, tenant, { payment: id, status: 'succeeded' })
    : emit(from, `${noun}.failed`, tenant, { payment: id, status: 'failed', failure: now.failure })
}
