import type { Event, FailureCode } from '@ngome/contracts'
import type { PaymentId, Tenant } from '@ngome/kernel'
import { transfersOf } from '@ngome/payments'
import { CompiledQuery, sql, type Transaction } from 'kysely'
import { objectEventColumns, objectEventTables, toProvableEvent, type ObjectEventColumns, type ProvableEvent } from '../events/object-events.ts'
import { toPaymentRow, type PaymentColumns } from '../payments/find-payment.ts'
import type { ProveNext } from '../payments/withdraw-payment.ts'
import type { Statement } from '../statement.ts'
import type { Tables } from '../tables.ts'
import { bytesOf, eventsStatement, transfersStatement } from './many-rows.ts'

/** What payouts of a batch become of which nothing was sent. */
export type RowsChange = {
  readonly to: { readonly status: 'accepted' | 'cancelled' } | { readonly status: 'failed'; readonly failure: FailureCode }
  readonly atMs: number
  /** For the operator, of each. */
  readonly events: (payment: PaymentId) => readonly Event[]
  readonly prove: ProveNext
}

/** Changes payouts that the transaction holds, each table by one statement: payouts, the end of their transfers where they end, events with leaves, and proofs. */
export async function changeRows(tx: Transaction<Tables>, tenant: Tenant, rows: readonly PaymentColumns[], { to, atMs, events, prove }: RowsChange): Promise<void> {
  if (rows.length === 0) return
  const ids = rows.map(({ id }) => id)
  await tx.updateTable('payments').set({ status: to.status, ...to.status === 'failed' ? { failure: to.failure } : {}, updated_at: new Date(atMs) })
    .where('merchant', '=', tenant.merchant).where('world', '=', tenant.world).where('id', 'in', ids).execute()
  if (to.status !== 'accepted') {
    const transfers = rows.flatMap((row) => transfersOf({ ...toPaymentRow(row), money: { amountMinor: row.amount_minor, currency: row.currency } }))
    await run(tx, transfersStatement(tenant, transfers, 'voided', atMs))
  }
  await run(tx, eventsStatement(ids.flatMap(events)))
  await proveLastEvents(tx, tenant, ids, prove)
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
