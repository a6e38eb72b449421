import { createPayoutSchema, createRefundSchema, type CreatePayout, type SealedPayment } from '@ngome/contracts'
import { parseMoney, parseStrictJson, type Currency } from '@ngome/kernel'
import type { DispatchablePayment } from '@ngome/store'

/** The request that a signature is of. */
export type SignedOrder = { readonly method: string; readonly target: string; readonly body: Uint8Array }

/** Bodies of orders are flat, with one object inside. */
const bodyBounds = { depthMax: 2, nodesMax: 16 }

/** Whether a signed request orders exactly what was sealed: this operation, and member by member this payment. */
export function isOrderOf(payment: DispatchablePayment, sealed: SealedPayment, { method, target, body }: SignedOrder): boolean {
  const json = parseStrictJson(body, bodyBounds)
  if (!json.ok || method !== 'POST') return false
  switch (payment.direction) {
    case 'collection': return false
    case 'payout': return target === '/v1/payouts' && ordersPayout(payment, sealed, json.value)
    case 'refund': return target === `/v1/payments/${payment.original}/refunds` && ordersRefund(payment, sealed, json.value)
    default: return payment.direction satisfies never
  }
}

function ordersPayout(payment: DispatchablePayment, sealed: SealedPayment, body: unknown): boolean {
  const { data } = createPayoutSchema.safeParse(body)
  return data !== undefined && isPayoutAsSealed(payment, sealed, data)
}

/** Whether what was ordered is what was sealed, member by member. */
export function isPayoutAsSealed({ currency }: DispatchablePayment, sealed: SealedPayment, ordered: CreatePayout): boolean {
  return isAmount(ordered.amount, currency, sealed) && ordered.currency === sealed.currency && ordered.network === sealed.network
    && ordered.payee.phone === sealed.payer?.phone && ordered.reference === sealed.reference && (ordered.description ?? null) === sealed.description
}

function ordersRefund({ currency }: DispatchablePayment, sealed: SealedPayment, body: unknown): boolean {
  const { data } = createRefundSchema.safeParse(body)
  return data !== undefined && isAmount(data.amount, currency, sealed) && (data.currency === undefined || data.currency === sealed.currency)
    && data.reference === sealed.reference && (data.description ?? null) === sealed.description
}

function isAmount(amount: string, currency: Currency, sealed: SealedPayment): boolean {
  return parseMoney(amount, currency)?.amountMinor.toString() === sealed.amount_minor
}
