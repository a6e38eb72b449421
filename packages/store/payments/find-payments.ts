import type { FailureCode, PaymentDirection, PaymentStatus } from '@ngome/contracts'
import type { Currency, PaymentId, Tenant } from '@ngome/kernel'
import type { Database } from '../database.ts'
import { guarded } from '../store-fault.ts'
import type { PaymentRow } from './find-payment.ts'

/** The most that one call finds. */
export const findPaymentsMax = 100

/**
 * Finds several payments of a tenant by one statement, which is its own transaction; those that the tenant does not have
 * are left out, and an id may come more than once.
 * @throws Fault `store/unavailable`
 */
export async function findPayments(
  db: Database, tenant: Tenant, ids: readonly PaymentId[],
): Promise<ReadonlyMap<PaymentId, PaymentRow>> {
  if (ids.length > findPaymentsMax) throw new RangeError('more payments than one call finds')
  const { rows } = await guarded(() => db.pool.query<Columns>({
    name: 'read_payments',
    text: 'SELECT * FROM ngome.read_payments($1, $2, $3)',
    values: [tenant.merchant, tenant.world, ids],
  }))
  return new Map(rows.map((row) => [row.id, toRow(tenant, row)]))
}

type Columns = {
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
  readonly created_at_ms: bigint
  readonly updated_at_ms: bigint
}

function toRow(tenant: Tenant, row: Columns): PaymentRow {
  return {
    id: row.id,
    tenant,
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
    createdAtMs: Number(row.created_at_ms),
    updatedAtMs: Number(row.updated_at_ms),
  }
}
