import type { FailureCode, PaymentStatus } from '@ngome/contracts'
import type { ApiKeyId, CheckoutSessionId, Currency, PaymentId, Tenant } from '@ngome/kernel'

/** The payment that a payer was asked for last. */
export type CheckoutTry = {
  /** Which try it was, from 1 on. */
  readonly number: number
  readonly payment: PaymentId
  readonly status: PaymentStatus
  readonly failure: FailureCode | null
  readonly network: string
  readonly payerMasked: string
}

/** A session, with where its last try stands. */
export type CheckoutRow = {
  readonly id: CheckoutSessionId
  readonly tenant: Tenant
  readonly apiKey: ApiKeyId
  readonly currency: Currency
  readonly amountMinor: bigint
  readonly reference: string
  readonly networks: readonly string[]
  readonly createdAtMs: number
  readonly expiresAtMs: number
  readonly isCancelled: boolean
  readonly lastTry: CheckoutTry | null
}

export type CheckoutColumns = {
  readonly id: CheckoutSessionId
  readonly api_key: ApiKeyId
  readonly currency: Currency
  readonly amount_minor: bigint
  readonly reference: string
  readonly networks: readonly string[]
  readonly created_at: Date
  readonly expires_at: Date
  readonly cancelled_at: Date | null
  readonly try: number | null
  readonly payment: PaymentId | null
  readonly status: PaymentStatus | null
  readonly failure: FailureCode | null
  readonly network: string | null
  readonly payer_masked: string | null
}

export function toCheckoutRow(tenant: Tenant, row: CheckoutColumns): CheckoutRow {
  return {
    id: row.id,
    tenant,
    apiKey: row.api_key,
    currency: row.currency,
    amountMinor: row.amount_minor,
    reference: row.reference,
    networks: row.networks,
    createdAtMs: row.created_at.getTime(),
    expiresAtMs: row.expires_at.getTime(),
    isCancelled: row.cancelled_at !== null,
    lastTry: toTry(row),
  }
}

function toTry({ try: number, payment, status, failure, network, payer_masked: payerMasked }: CheckoutColumns): CheckoutTry | null {
  if (number === null || payment === null || status === null || network === null || payerMasked === null) return null
  return { number, payment, status, failure, network, payerMasked }
}
