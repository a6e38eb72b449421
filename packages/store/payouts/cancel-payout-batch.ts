import type { Event } from '@ngome/contracts'
import type { PaymentId, PayoutBatchId, Tenant } from '@ngome/kernel'
import { sql } from 'kysely'
import type { Database } from '../database.ts'
import { appendEvent } from '../events/append-event.ts'
import { paymentColumns, type PaymentColumns } from '../payments/find-payment.ts'
import type { ProveNext } from '../payments/withdraw-payment.ts'
import { inTenant } from '../transaction.ts'
import { changeRows } from './change-rows.ts'

/** Closes a batch for ever: it takes no part any more, and no row of it is begun. @returns whether there is such a batch @throws Fault `store/unavailable` */
export function cancelPayoutBatch(db: Database, tenant: Tenant, id: PayoutBatchId, atMs: number, event: Event): Promise<boolean> {
  return inTenant(db, tenant, async (tx) => {
    const at = new Date(atMs)
    const closed = await tx.updateTable('payout_batches').set({ cancelled_at: at, updated_at: at })
      .where('merchant', '=', tenant.merchant).where('world', '=', tenant.world).where('id', '=', id).where('cancelled_at', 'is', null)
      .executeTakeFirst()
    if (closed.numUpdatedRows === 1n) await appendEvent(tx, event)
    const found = await tx.selectFrom('payout_batches').select('id')
      .where('merchant', '=', tenant.merchant).where('world', '=', tenant.world).where('id', '=', id).executeTakeFirst()
    return found !== undefined
  })
}

export type CancelledRows = {
  readonly batch: PayoutBatchId
  readonly limit: number
  readonly atMs: number
  /** For the operator, of each. */
  readonly event: (payment: PaymentId) => Event
  readonly prove: ProveNext
}

/**
 * Cancels payouts of a batch that was cancelled, of which nothing was sent: so many of them, all in one transaction that holds their rows as
 * the dispatcher does before it marks one as sent.
 * @returns how many; fewer than asked for where no more are left
 * @throws Fault `store/unavailable`
 */
export async function cancelBatchRows(db: Database, tenant: Tenant, { batch, limit, atMs, event, prove }: CancelledRows): Promise<number> {
  const cancelled = await inTenant(db, tenant, async (tx) => {
    const { rows } = await sql<PaymentColumns>`SELECT ${sql.raw(paymentColumns)} FROM ngome.payments p
      WHERE p.merchant = ${tenant.merchant} AND p.world = ${tenant.world} AND p.status IN ('accepted', 'awaiting_approval')
        AND p.id IN (SELECT r.payment FROM ngome.payout_batch_rows r WHERE r.merchant = ${tenant.merchant} AND r.world = ${tenant.world} AND r.batch = ${batch})
      ORDER BY p.id LIMIT ${limit} FOR NO KEY UPDATE OF p`.execute(tx)
    await changeRows(tx, tenant, rows, { to: { status: 'cancelled' }, atMs, events: (payment) => [event(payment)], prove })
    return rows.length
  })
  if (cancelled > 0) db.wake('webhook-deliver')
  return cancelled
}
