import type { AddPayouts, SealedPayment } from '@ngome/contracts'
import type { DispatchablePayment } from '@ngome/store'
import { isPayoutAsSealed } from './is-order-of.ts'

/** A payout that was accepted as the row of a part. */
export type SealedRow = SealedPayment & { readonly ordered_in: NonNullable<SealedPayment['ordered_in']> }

/** Whether a part orders exactly what was sealed, at the place that is sealed with it. */
export function isRowOf(payment: DispatchablePayment, sealed: SealedRow, { currency, network: ofAll, payouts }: AddPayouts): boolean {
  const row = payouts[sealed.ordered_in.row]
  const network = row?.network ?? ofAll
  return payment.direction === 'payout' && row !== undefined && network !== undefined && isPayoutAsSealed(payment, sealed, { ...row, currency, network })
}
