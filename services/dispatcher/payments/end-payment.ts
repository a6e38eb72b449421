import type { Event } from '@ngome/contracts'
import type { DispatchablePayment, PaymentOutcome } from '@ngome/store'
import type { PaymentDispatcher } from '../dispatcher.ts'
import { changeProver } from '../webhooks/prove-change.ts'
import { movementEvent } from './movement-event.ts'

/**
 * Records the end of a payment with its ledger, events and webhooks.
 * @param alarms events of what was found out with it, in the same transaction
 * @returns `superseded` where it has ended already, or another holds it by now
 */
export async function endPayment(
  dispatcher: PaymentDispatcher, payment: DispatchablePayment, fence: number | null, outcome: PaymentOutcome,
  alarms: readonly Event[] = [],
): Promise<'recorded' | 'superseded'> {
  const { tenant, id } = payment
  const event = movementEvent(dispatcher, payment, outcome)
  const result = await dispatcher.payments.recordOutcome(dispatcher, tenant, {
    payment: id, fence, outcome, event, alarms, prove: changeProver(dispatcher),
  })
  const failure = outcome.status === 'failed' ? outcome.failure : undefined
  dispatcher.logger.info({ payment: id, status: outcome.status, failure, result }, 'payment ended')
  return result
}
