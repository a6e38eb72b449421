import type { FailureCode, NextAction, PaymentDirection, PaymentStatus } from '@ngome/contracts'
import type { Currency, PaymentId, Tenant } from '@ngome/kernel'
import type { Database } from '../database.ts'
import { pipelined } from '../pipeline.ts'
import { timeOf } from '../time-of.ts'

/** A payment as everybody may see it: masked, without its sealed part. */
export type PaymentRow = {
  readonly id: PaymentId
  readonly tenant: Tenant
  readonly status: PaymentStatus
  readonly failure: FailureCode | null
  readonly direction: PaymentDirection
  readonly network: string
  readonly currency: Currency
  readonly amountMinor: bigint
  readonly feeMinor: bigint
  readonly reference: string
  /** The phone number of the person at the other end. */
  readonly payerMasked: string
  /** What its payer has to do; only where it was looked up (`withNextActions`). */
  readonly nextAction?: NextAction
  /** The collection that a refund gives back; `null` of all else. */
  readonly original: PaymentId | null
  readonly createdAtMs: number
  readonly updatedAtMs: number
}

/** @throws Fault `store/unavailable` */
export async function findPayment(db: Database, tenant: Tenant, id: PaymentId): Promise<PaymentRow | undefined> {
  const [result] = await pipelined(db, tenant, [{
    name: 'find_payment',
    text: `SELECT ${paymentColumns} FROM ngome.payments WHERE merchant = $1 AND world = $2 AND id = $3`,
    values: [tenant.merchant, tenant.world, id],
  }])
  const row = result?.rows[0]
  return row === undefined ? undefined : toPaymentRow(row as PaymentColumns)
}

export const paymentColumns = `id, merchant, world, status, failure, direction, network, currency, amount_minor, fee_minor, reference,
  payer_masked, original, created_at, updated_at`

export type PaymentColumns = Tenant & {
  readonly id: PaymentId
  readonly status: PaymentStatus
  readonly failure: FailureCode | null
  readonly direction: PaymentDirection
  readonly network: string
  readonly currency: Currency
  readonly amount_minor: bigint
  readonly fee_minor: bigint
  readonly reference: string
  readonly payer_masked: string
  readonly original: PaymentId | null
  readonly created_at: Date
  readonly updated_at: Date
}

export function toPaymentRow(row: PaymentColumns): PaymentRow {
  return {
    id: row.id,
    tenant: { merchant: row.merchant, world: row.world },
    status: row.status,
    failure: row.failure,
    direction: row.direction,
    network: row.network,
    currency: row.currency,
    amountMinor: row.amount_minor,
    feeMinor: row.fee_minor,
    reference: row.reference,
    payerMasked: row.payer_masked,
    original: row.original,
    createdAtMs: timeOf(row.created_at),
    updatedAtMs: timeOf(row.updated_at),
  }
}
