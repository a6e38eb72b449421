import { emit } from '@ngome/contracts'
import type { Attempt, DispatchablePayment } from '@ngome/store'
import { eventSource, type PaymentDispatcher } from '../dispatcher.ts'
import { changeProver } from '../webhooks/prove-change.ts'
import type { Verdict } from './judge-answer.ts'
import { movementEvent } from './movement-event.ts'

/** Says how a payment that was sent and has no end stands now, and tells a person, once, where only a person can find out. */
export async function leaveOpen(
  dispatcher: PaymentDispatcher, payment: DispatchablePayment, attempt: Pick<Attempt, 'fence'> & Partial<Attempt>,
  { stands, isStuck }: Pick<Extract<Verdict, { kind: 'open' }>, 'stands' | 'isStuck'>,
): Promise<void> {
  const { payments, clock, logger } = dispatcher
  const { id, tenant } = payment
  if (stands !== undefined && stands !== payment.status) {
    const event = movementEvent(dispatcher, payment, stands)
    const standing = { payment: id, fence: attempt.fence, status: stands, atMs: clock.nowMs() }
    const result = await payments.markStanding(tenant, standing, event, changeProver(dispatcher))
    logger.info({ payment: id, stands, result }, 'payment has no end yet')
  }
  if (isStuck && attempt.isStuck !== true) {
    const event = emit(eventSource(dispatcher), 'payment.stuck', tenant, { payment: id, status: 'in_doubt' })
    await payments.markAttemptStuck(tenant, { payment: id, atMs: clock.nowMs() }, event)
    logger.error({ payment: id }, 'a payment stays in doubt: somebody has to ask the network')
  }
}
