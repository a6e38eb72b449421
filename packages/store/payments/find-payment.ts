import type { FailureCode, PaymentStatus } from '@ngome/contracts'
import type { Currency, PaymentId, Tenant } from '@ngome/kernel'
import type { Database } from '../database.ts'
import { pipelined } from '../pipeline.ts'

/** A payment as everybody may see it: masked, without its sealed part. */
export type PaymentRow = {
  readonly id: PaymentId
  readonly tenant: Tenant
  readonly status: PaymentStatus
  readonly failure: FailureCode | null
  readonly network: string
  readonly currency: Currency
  readonly amountMinor: bigint
  readonly reference: string
  readonly payerMasked: string
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

export const paymentColumns = `id, merchant, world, status, failure, network, currency, amount_minor, reference,
  payer_masked, created_at, updated_at`

export type PaymentColumns = Tenant & {
  readonly id: PaymentId
  readonly status: PaymentStatus
  readonly failure: FailureCode | null
  readonly network: string
  readonly currency: Currency
  readonly amount_minor: bigint
  readonly reference: string
  readonly payer_masked: string
  readonly created_at: Date
  readonly updated_at: Date
}

export function toPaymentRow(row: PaymentColumns): PaymentRow {
  return {
    id: row.id,
    tenant: { merchant: row.merchant, world: row.world },
    status: row.status,
    failure: row.failure,
    network: row.network,
    currency: row.currency,
    amountMinor: row.amount_minor,
    reference: row.reference,
    payerMasked: row.payer_masked,
    createdAtMs: row.created_at.getTime(),
    updatedAtMs: row.updated_at.getTime(),
  }
}
