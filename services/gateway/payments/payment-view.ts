import type { PaymentView } from '@ngome/contracts'
import { formatMoney } from '@ngome/kernel'
import type { PaymentRow } from '@ngome/store'

/** A payment as its merchant sees it: the payer masked, money in major units. */
export function paymentView(row: PaymentRow): PaymentView {
  return {
    id: row.id,
    object: 'payment',
    world: row.tenant.world,
    status: row.status,
    amount: formatMoney({ amountMinor: row.amountMinor, currency: row.currency }),
    currency: row.currency,
    network: row.network,
    payer: { phone: row.payerMasked },
    reference: row.reference,
    failure: row.failure === null ? null : { code: row.failure },
    created_at: new Date(row.createdAtMs).toISOString(),
    updated_at: new Date(row.updatedAtMs).toISOString(),
  }
}
