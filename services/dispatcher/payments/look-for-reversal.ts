import { emit } from '@ngome/contracts'
import type { PaymentId } from '@ngome/kernel'
import type { DispatchablePayment } from '@ngome/store'
import { eventSource, type PaymentDispatcher } from '../dispatcher.ts'
import { changeProver } from '../webhooks/prove-change.ts'
import { askNetwork } from './ask-network.ts'
import { networkOf } from './dispatch-payment.ts'
import { movementEvent } from './movement-event.ts'

/**
 * Asks the network about what has succeeded, once. Its own word that it took it back makes the reversal; that it failed is the operator's to
 * look at, since a success was its word too; anything else changes nothing.
 * @throws Fault `store/unavailable`
 */
export async function lookForReversal(dispatcher: PaymentDispatcher, payment: DispatchablePayment): Promise<void> {
  const { id, tenant, attempt, status } = payment
  if (status !== 'succeeded' || attempt === null) return
  const network = networkOf(dispatcher, payment)
  const answer = await askNetwork(dispatcher, network, payment, attempt)
  dispatcher.logger.info({ payment: id, answer: answer.kind }, 'asked about a payment that has succeeded')
  switch (answer.kind) {
    case 'reversed': {
      const result = await dispatcher.payments.recordReversal(dispatcher, tenant, {
        payment: id, event: movementEvent(dispatcher, payment, 'reversed'), prove: changeProver(dispatcher),
        areRefundsReversals: network.connector.showsRefundsAsReversals === true,
      })
      dispatcher.logger.info({ payment: id, result }, 'the network took a payment back')
      return
    }
    case 'failed': return alarm(dispatcher, tenant, id, ['status'])
    case 'differs': return alarm(dispatcher, tenant, id, answer.fields)
    case 'succeeded':
    case 'pending':
    case 'not_found':
    case 'ambiguous':
    case 'unknown':
      return
    default: answer satisfies never
  }
}

async function alarm(dispatcher: PaymentDispatcher, tenant: DispatchablePayment['tenant'], payment: PaymentId, fields: readonly string[]): Promise<void> {
  await dispatcher.payments.tell(tenant, emit(eventSource(dispatcher), 'payment.mismatch', tenant, { payment, fields: [...fields] }))
}
