import { emit } from '@ngome/contracts'
import type { Attempt, DispatchablePayment } from '@ngome/store'
import type { PayerAction } from '../connectors/payment-network.ts'
import { eventSource, type PaymentDispatcher } from '../dispatcher.ts'
import { changeProver } from '../webhooks/prove-change.ts'

/** An outcome for the log: where a payer is sent is his alone to know. */
export function withoutAction(outcome: { readonly kind: string; readonly action?: PayerAction }): object {
  const { action: _, ...rest } = outcome
  return rest
}

/** Tells the merchant, once, what its payer has to do; what comes of it the network says when it is asked. */
export async function noteAction(
  dispatcher: PaymentDispatcher, { tenant, id }: Pick<DispatchablePayment, 'tenant' | 'id'>, { fence }: Pick<Attempt, 'fence'>, { url }: PayerAction,
): Promise<void> {
  const { payments, clock, logger } = dispatcher
  const event = emit(eventSource(dispatcher), 'payment.requires_action', tenant, { payment: id, status: 'processing' })
  const result = await payments.noteNextAction(tenant, { payment: id, fence, url, atMs: clock.nowMs() }, event, changeProver(dispatcher))
  logger.info({ payment: id, result }, 'payment waits for its payer')
}
