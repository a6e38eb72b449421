import type { PaymentId, Tenant } from '@ngome/kernel'
import type { Database } from '../database.ts'
import { pipelined } from '../pipeline.ts'
import { paymentColumns, toPaymentRow, type PaymentColumns, type PaymentRow } from './find-payment.ts'

/** The most that one call finds. */
export const findPaymentsMax = 100

/**
 * Finds several payments of a tenant in one round trip; those that the tenant does not have are left out.
 * @throws Fault `store/unavailable`
 */
export async function findPayments(
  db: Database, tenant: Tenant, ids: readonly PaymentId[],
): Promise<ReadonlyMap<PaymentId, PaymentRow>> {
  if (ids.length > findPaymentsMax) throw new RangeError('more payments than one call finds')
  const [result] = await pipelined(db, tenant, [{
    name: 'find_payments',
    text: `SELECT ${paymentColumns} FROM ngome.payments WHERE merchant = $1 AND world = $2 AND id = ANY ($3)`,
    values: [tenant.merchant, tenant.world, ids],
  }])
  return new Map((result?.rows ?? []).map((row) => {
    const payment = toPaymentRow(row as PaymentColumns)
    return [payment.id, payment]
  }))
}
