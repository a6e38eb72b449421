import type { PaymentId, PayoutBatchPartId, Tenant } from '@ngome/kernel'
import type { Database } from '../database.ts'
import { pipelined } from '../pipeline.ts'
import { itsPayout } from './its-payout.ts'

/** Rows of a part that may be sent now, in the order of their ids; none of a batch that was cancelled. @throws Fault `store/unavailable` */
export async function findRowsToSend(
  db: Database, tenant: Tenant, part: PayoutBatchPartId, page: { readonly after: PaymentId | null; readonly limit: number },
): Promise<readonly PaymentId[]> {
  const [result] = await pipelined(db, tenant, [{
    name: 'find_rows_to_send',
    text: `SELECT r.payment AS id FROM ngome.payout_batch_rows r ${itsPayout('status')}
        JOIN ngome.payout_batches b ON b.merchant = r.merchant AND b.world = r.world AND b.id = r.batch
      WHERE r.merchant = $1 AND r.world = $2 AND r.part = $3 AND r.payment > $4 AND p.status = 'accepted' AND b.cancelled_at IS NULL
      ORDER BY r.payment LIMIT $5`,
    values: [tenant.merchant, tenant.world, part, page.after ?? '', page.limit],
  }])
  return idsOf(result?.rows)
}

/** Rows of a part that were sent, have not ended, and of which nobody has planned to ask: who sent them died. @throws Fault `store/unavailable` */
export async function findUnaskedRows(db: Database, tenant: Tenant, part: PayoutBatchPartId): Promise<readonly PaymentId[]> {
  const [result] = await pipelined(db, tenant, [{
    name: 'find_unasked_rows',
    text: `SELECT r.payment AS id FROM ngome.payout_batch_rows r ${itsPayout('status')}
        CROSS JOIN LATERAL (SELECT a.state, a.enquiry_turn FROM ngome.attempts a WHERE a.merchant = r.merchant AND a.world = r.world AND a.payment = r.payment OFFSET 0) a
      WHERE r.merchant = $1 AND r.world = $2 AND r.part = $3 AND p.status IN ('processing', 'in_doubt') AND a.state = 'sent' AND a.enquiry_turn = 0`,
    values: [tenant.merchant, tenant.world, part],
  }])
  return idsOf(result?.rows)
}

function idsOf(rows: readonly Record<string, unknown>[] = []): readonly PaymentId[] {
  return rows.map((row) => (row as { id: PaymentId }).id)
}
