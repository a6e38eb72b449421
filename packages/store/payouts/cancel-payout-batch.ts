import type { Event } from '@ngome/contracts'
import type { PaymentId, PayoutBatchId, Tenant } from '@ngome/kernel'
import { transfersOf } from '@ngome/payments'
import { CompiledQuery, sql, type Transaction } from 'kysely'
import type { Database } from '../database.ts'
import { appendEvent } from '../events/append-event.ts'
import { objectEventColumns, objectEventTables, toProvableEvent, type ObjectEventColumns, type ProvableEvent } from '../events/object-events.ts'
import { paymentColumns, toPaymentRow, type PaymentColumns } from '../payments/find-payment.ts'
import type { ProveNext } from '../payments/withdraw-payment.ts'
import type { Statement } from '../statement.ts'
import type { Tables } from '../tables.ts'
import { inTenant } from '../transaction.ts'
import { bytesOf, eventsStatement, transfersStatement } from './many-rows.ts'

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
    if (rows.length === 0) return 0
    const ids = rows.map(({ id }) => id)
    await tx.updateTable('payments').set({ status: 'cancelled', updated_at: new Date(atMs) })
      .where('merchant', '=', tenant.merchant).where('world', '=', tenant.world).where('id', 'in', ids).execute()
    const transfers = rows.flatMap((row) => transfersOf({ ...toPaymentRow(row), money: { amountMinor: row.amount_minor, currency: row.currency } }))
    await run(tx, transfersStatement(tenant, transfers, 'voided', atMs))
    await run(tx, eventsStatement(ids.map(event)))
    await proveLastEvents(tx, tenant, ids, prove)
    return rows.length
  })
  if (cancelled > 0) db.wake('webhook-deliver')
  return cancelled
}

/** As `proveLastEvent`, of many objects that changed together. */
async function proveLastEvents(tx: Transaction<Tables>, tenant: Tenant, ids: readonly PaymentId[], prove: ProveNext): Promise<void> {
  const { rows } = await sql<ObjectEventColumns>`SELECT ${sql.raw(objectEventColumns)} FROM ${sql.raw(objectEventTables)}
    WHERE e.merchant = ${tenant.merchant} AND e.world = ${tenant.world} AND e.object = ANY (${ids}) ORDER BY e.object, e.sequence`.execute(tx)
  const byObject = new Map<string, ProvableEvent[]>()
  for (const row of rows) byObject.set(row.object, [...byObject.get(row.object) ?? [], toProvableEvent(tenant, row)])
  const proven = [...byObject].flatMap(([object, events]) => {
    const last = events.at(-1)
    const proof = last === undefined ? null : prove(last.event, events.at(-2) ?? null)
    return last === undefined || proof === null ? [] : [{ object, sequence: last.event.sequence, proof }]
  })
  await run(tx, {
    name: 'prove_last_events',
    text: `UPDATE ngome.object_events e SET proof = r.proof FROM unnest($3::text[], $4::integer[], $5::bytea[]) r (object, sequence, proof)
      WHERE e.merchant = $1 AND e.world = $2 AND e.object = r.object AND e.sequence = r.sequence`,
    values: [tenant.merchant, tenant.world, proven.map(({ object }) => object), proven.map(({ sequence }) => sequence), proven.map(({ proof }) => bytesOf(proof))],
  })
}

async function run(tx: Transaction<Tables>, { text, values }: Statement): Promise<void> {
  await tx.executeQuery(CompiledQuery.raw(text, [...values]))
}
