import type { CheckoutSessionView } from '@ngome/contracts'
import { formatMoney } from '@ngome/kernel'
import type { CheckoutRow } from '@ngome/store'
import { checkoutStatus, triesLeft } from './checkout-status.ts'

/** A session as its merchant sees it; what its page says is for who has the link. */
export function checkoutView(row: CheckoutRow, nowMs: number): CheckoutSessionView {
  return {
    id: row.id,
    object: 'checkout_session',
    world: row.tenant.world,
    status: checkoutStatus(row, nowMs),
    amount: formatMoney({ amountMinor: row.amountMinor, currency: row.currency }),
    currency: row.currency,
    reference: row.reference,
    networks: [...row.networks],
    payment: row.lastTry?.payment ?? null,
    tries_left: triesLeft(row),
    expires_at: new Date(row.expiresAtMs).toISOString(),
    created_at: new Date(row.createdAtMs).toISOString(),
  }
}
