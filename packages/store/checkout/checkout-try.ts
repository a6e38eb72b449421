import type { Event } from '@ngome/contracts'
import type { CheckoutSessionId, PaymentId, Tenant } from '@ngome/kernel'
import { appendEventStatement } from '../events/append-event.ts'
import type { Statement } from '../statement.ts'

/** That a payment is a try of a session: only while no other payment of it may come to something. */
export type NewCheckoutTry = {
  readonly session: CheckoutSessionId
  /** The next one of the session, from 1 on. */
  readonly number: number
  readonly event: Event
}

/** Joins the transaction that accepts the payment, behind it. */
export function checkoutTryStatements(tenant: Tenant, payment: { readonly id: PaymentId; readonly createdAtMs: number }, of: NewCheckoutTry): readonly Statement[] {
  return [
    {
      name: 'insert_checkout_try',
      text: 'INSERT INTO ngome.checkout_tries (merchant, world, session, try, payment, at) VALUES ($1, $2, $3, $4, $5, $6)',
      values: [tenant.merchant, tenant.world, of.session, of.number, payment.id, new Date(payment.createdAtMs)],
    },
    appendEventStatement(of.event),
  ]
}
