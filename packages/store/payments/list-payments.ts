import type { PaymentId, Tenant } from '@ngome/kernel'
import type { Database } from '../database.ts'
import { pipelined } from '../pipeline.ts'
import { paymentColumns, toPaymentRow, type PaymentColumns, type PaymentRow } from './find-payment.ts'

/** The most that one page holds. */
export const paymentPageMax = 100

/**
 * Lists payments, the newest first, since ids sort by the time they were made.
 * @param page `after`: the last id of the page before, or `null`; ask for one more than you show, to know of a next page
 * @throws Fault `store/unavailable`
 */
export async function listPayments(
  db: Database,
  tenant: Tenant,
  page: { readonly after: PaymentId | null; readonly limit: number },
): Promise<readonly PaymentRow[]> {
  const limit = Math.min(page.limit, paymentPageMax + 1)
  const [result] = await pipelined(db, tenant, [page.after === null
    ? {
        name: 'list_payments',
        text: `SELECT ${paymentColumns} FROM ngome.payments WHERE merchant = $1 AND world = $2 ORDER BY id DESC LIMIT $3`,
        values: [tenant.merchant, tenant.world, limit],
      }
    : {
        name: 'list_payments_after',
        text: `SELECT ${paymentColumns} FROM ngome.payments WHERE merchant = $1 AND world = $2 AND id < $4
          ORDER BY id DESC LIMIT $3`,
        values: [tenant.merchant, tenant.world, limit, page.after],
      }])
  return (result?.rows ?? []).map((row) => toPaymentRow(row as PaymentColumns))
}
