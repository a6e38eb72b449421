import type { PaymentStatus } from '@ngome/contracts'
import type { PaymentId, Tenant } from '@ngome/kernel'
import type { Database } from '../database.ts'
import { pipelined } from '../pipeline.ts'
import { paymentColumns, toPaymentRow, type PaymentColumns, type PaymentRow } from './find-payment.ts'

/** The most that one page holds. */
export const paymentPageMax = 100

/**
 * Lists payments, the newest first, since ids sort by the time they were made.
 * @param page `after`: the last id of the page before, or `null`; `status`: only these, or `null` for all; ask for one
 * more than you show, to know of a next page
 * @throws Fault `store/unavailable`
 */
export async function listPayments(
  db: Database,
  tenant: Tenant,
  page: { readonly after: PaymentId | null; readonly limit: number; readonly status?: PaymentStatus | null },
): Promise<readonly PaymentRow[]> {
  const values: unknown[] = [tenant.merchant, tenant.world, Math.min(page.limit, paymentPageMax + 1)]
  let name = 'list_payments'
  let where = 'merchant = $1 AND world = $2'
  if (page.after !== null) {
    values.push(page.after)
    name += '_after'
    where += ` AND id < $${values.length}`
  }
  if (page.status !== undefined && page.status !== null) {
    values.push(page.status)
    name += '_by_status'
    where += ` AND status = $${values.length}`
  }
  const [result] = await pipelined(db, tenant, [{
    name,
    text: `SELECT ${paymentColumns} FROM ngome.payments WHERE ${where} ORDER BY id DESC LIMIT $3`,
    values,
  }])
  return (result?.rows ?? []).map((row) => toPaymentRow(row as PaymentColumns))
}
