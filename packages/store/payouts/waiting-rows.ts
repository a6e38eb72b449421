import type { PayoutBatchId, PayoutBatchPartId, Tenant } from '@ngome/kernel'
import { sql } from 'kysely'
import type { Database } from '../database.ts'
import { paymentColumns, type PaymentColumns } from '../payments/find-payment.ts'
import { pipelined } from '../pipeline.ts'
import { inTenant } from '../transaction.ts'
import { changeRows, type RowsChange } from './change-rows.ts'
import { itsPayout } from './its-payout.ts'

/** What was decided of a batch, of which rows of this part still wait. */
export type PartDecision = { readonly batch: PayoutBatchId; readonly decision: 'approved' | 'refused' | 'expired' }

/** @returns `undefined` also where nothing was decided, or none of its rows waits; and of a batch that was approved and then cancelled @throws Fault `store/unavailable` */
export async function findPartDecision(db: Database, tenant: Tenant, part: PayoutBatchPartId): Promise<PartDecision | undefined> {
  const [result] = await pipelined(db, tenant, [{
    name: 'find_part_decision',
    text: `SELECT a.batch, a.decision FROM ngome.payout_batch_parts t
        JOIN ngome.payout_batch_approvals a ON a.merchant = t.merchant AND a.world = t.world AND a.batch = t.batch AND a.is_answer
        JOIN ngome.payout_batches b ON b.merchant = t.merchant AND b.world = t.world AND b.id = t.batch
      WHERE t.merchant = $1 AND t.world = $2 AND t.id = $3 AND (a.decision <> 'approved' OR b.cancelled_at IS NULL)
        AND EXISTS (SELECT FROM ngome.payout_batch_rows r ${itsPayout('status')}
          WHERE r.merchant = $1 AND r.world = $2 AND r.part = $3 AND p.status = 'awaiting_approval')`,
    values: [tenant.merchant, tenant.world, part],
  }])
  return result?.rows[0] as PartDecision | undefined
}

/**
 * Changes the rows of a part that wait for an approval, all in one transaction that holds them as who cancels does. To let them go on needs an
 * approval of their batch: the database refuses it without.
 * @returns how many there were
 * @throws Fault `store/unavailable`
 */
export async function changeWaitingRows(db: Database, tenant: Tenant, part: PayoutBatchPartId, change: RowsChange): Promise<number> {
  const changed = await inTenant(db, tenant, async (tx) => {
    const { rows } = await sql<PaymentColumns>`SELECT ${sql.raw(paymentColumns)} FROM ngome.payments p
      WHERE p.merchant = ${tenant.merchant} AND p.world = ${tenant.world} AND p.status = 'awaiting_approval'
        AND p.id = ANY (ARRAY (SELECT r.payment FROM ngome.payout_batch_rows r
          WHERE r.merchant = ${tenant.merchant} AND r.world = ${tenant.world} AND r.part = ${part}))
      ORDER BY p.id FOR NO KEY UPDATE OF p`.execute(tx)
    await changeRows(tx, tenant, rows, change)
    return rows.length
  })
  if (changed > 0) db.wake('webhook-deliver')
  return changed
}
