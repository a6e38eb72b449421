import type { Attempt, DispatchablePayment } from '@ngome/store'
import type { EnquiryOutcome } from '../connectors/payment-network.ts'
import type { Network, PaymentDispatcher } from '../dispatcher.ts'
import { findOriginal } from './find-original.ts'

/** Asks a network how a payment stands, by the reference that it was sent under: whatever its age, nothing is opened for it. */
export async function askNetwork(
  dispatcher: PaymentDispatcher, network: Network, payment: DispatchablePayment, { reference }: Attempt,
): Promise<EnquiryOutcome> {
  const original = await findOriginal(dispatcher, payment)
  // Some networks know a refund by its collection alone, and would answer about another one's.
  if (original === 'mismatch') return { kind: 'differs', fields: ['original'] }
  const { id, direction } = payment
  const money = { amountMinor: payment.amountMinor, currency: payment.currency }
  return network.connector.enquire({ direction, reference, payment: id, money, original: original?.asked ?? null })
}
