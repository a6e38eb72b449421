import type { PaymentDirection, PaymentStatus } from '@ngome/contracts'
import { idPrefixes, type PaymentId, type Tenant } from '@ngome/kernel'
import type { Database } from '../database.ts'
import { pipelined } from '../pipeline.ts'
import { paymentColumns, toPaymentRow, type PaymentColumns, type PaymentRow } from './find-payment.ts'

/** Ids of one direction have one prefix, so that they lie side by side. */
const idKinds = { collection: 'payment', payout: 'payout', refund: 'refund' } as const

/** The most that one page holds. */
export const paymentPageMax = 100

/**
 * Lists payments of one direction, the newest first, since ids sort by the time they were made.
 * @param page `after`: the last id of the page before, or `null`; `status`: only these, or `null` for all; `original`: only refunds of this one; ask for one
 * more than you show, to know of a next page
 * @throws Fault `store/unavailable`
 */
export async function listPayments(
  db: Database,
  tenant: Tenant,
  page: { readonly direction: PaymentDirection; readonly after: PaymentId | null; readonly limit: number; readonly status?: PaymentStatus | null; readonly original?: PaymentId | null },
): Promise<readonly PaymentRow[]> {
  const prefix = idPrefixes[idKinds[page.direction]]
  const values: unknown[] = [tenant.merchant, tenant.world, Math.min(page.limit, paymentPageMax + 1), `${prefix}_`, `${prefix}~`]
  let name = 'list_payments'
  let where = 'merchant = $1 AND world = $2 AND id > $4 AND id < $5'
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
  if (page.original !== undefined && page.original !== null) {
    values.push(page.original)
    name += '_of'
    where += ` AND original = $${values.length}`
  }
  const [result] = await pipelined(db, tenant, [{
    name,
    text: `SELECT ${paymentColumns} FROM ngome.payments WHERE ${where} ORDER BY id DESC LIMIT $3`,
    values,
  }])
  return (result?.rows ?? []).map((row) => toPaymentRow(row as PaymentColumns))
}
