import type { FailureCode, NextAction, PaymentStatus, PaymentView, PayoutView, RefundView } from '@ngome/contracts'
import { formatMoney, parseId, type Currency, type PaymentId, type Tenant } from '@ngome/kernel'
import { isCardMask } from './mask-card.ts'

/** What of a payment is shown; the store's rows have it all. */
export type ShownPayment = {
  readonly id: PaymentId
  readonly tenant: Tenant
  readonly status: PaymentStatus
  readonly failure: FailureCode | null
  readonly network: string
  readonly currency: Currency
  readonly amountMinor: bigint
  readonly feeMinor: bigint
  readonly reference: string
  readonly payerMasked: string
  /** What its payer has to do, while there is such a thing. */
  readonly nextAction?: NextAction | undefined
  readonly createdAtMs: number
  readonly updatedAtMs: number
}

/**
 * A collection as its merchant sees it, in answers and in webhooks: the payer masked, money in major units.
 * @throws TypeError where it is none
 */
export function paymentView(row: ShownPayment): PaymentView {
  const id = parseId('payment', row.id)
  if (id === undefined) throw new TypeError(`${row.id} is no collection`)
  return {
    id,
    object: 'payment',
    world: row.tenant.world,
    status: row.status,
    amount: formatMoney(row),
    fee: formatMoney({ amountMinor: row.feeMinor, currency: row.currency }),
    currency: row.currency,
    network: row.network,
    payer: maskedEnd(row.payerMasked),
    reference: row.reference,
    failure: row.failure === null ? null : { code: row.failure },
    ...row.nextAction === undefined ? {} : { next_action: row.nextAction },
    created_at: new Date(row.createdAtMs).toISOString(),
    updated_at: new Date(row.updatedAtMs).toISOString(),
  }
}

/** A payout as its merchant sees it: the payee masked. @throws TypeError where it is none */
export function payoutView(row: ShownPayment): PayoutView {
  const id = parseId('payout', row.id)
  if (id === undefined) throw new TypeError(`${row.id} is no payout`)
  return { id, object: 'payout', ...outgoing(row) }
}

/** A refund as its merchant sees it: the payee is the former payer, masked. @throws TypeError where it is none */
export function refundView(row: ShownPayment & { readonly original: PaymentId | null }): RefundView {
  const id = parseId('refund', row.id)
  const payment = row.original === null ? undefined : parseId('payment', row.original)
  if (id === undefined || payment === undefined) throw new TypeError(`${row.id} is no refund`)
  return { id, object: 'refund', payment, ...outgoing(row) }
}

function outgoing(row: ShownPayment): Omit<PayoutView, 'id' | 'object'> {
  return {
    world: row.tenant.world,
    status: row.status,
    amount: formatMoney(row),
    fee: formatMoney({ amountMinor: row.feeMinor, currency: row.currency }),
    currency: row.currency,
    network: row.network,
    payee: maskedEnd(row.payerMasked),
    reference: row.reference,
    failure: row.failure === null ? null : { code: row.failure },
    created_at: new Date(row.createdAtMs).toISOString(),
    updated_at: new Date(row.updatedAtMs).toISOString(),
  }
}

/** Of a card its mask stands apart, so that nobody takes it for a number to call. */
function maskedEnd(masked: string): PaymentView['payer'] {
  return isCardMask(masked) ? { phone: null, card: masked } : { phone: masked }
}
