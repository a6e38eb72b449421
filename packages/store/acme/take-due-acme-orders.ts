import type { Database } from '../database.ts'
import { inPlatform } from '../transaction.ts'
import { acmeOrderRow, type AcmeOrderRow } from './acme-order-row.ts'

/**
 * Takes the orders that are due, so that no other dispatcher does before the lease is over; who dies with one gives it
 * back by that.
 * @throws Fault `store/unavailable`
 */
export async function takeDueAcmeOrders(
  db: Database, { nowMs, leaseMs, limit }: { readonly nowMs: number; readonly leaseMs: number; readonly limit: number },
): Promise<readonly AcmeOrderRow[]> {
  const rows = await inPlatform(db, (tx) => tx.updateTable('acme_orders').set({ due_at: new Date(nowMs + leaseMs) })
    .where('id', 'in', (of) => of.selectFrom('acme_orders').select('id')
      .where('state', 'in', ['requested', 'ordered']).where('due_at', '<=', new Date(nowMs))
      .orderBy('due_at').limit(limit).forUpdate().skipLocked())
    .returningAll().execute())
  return rows.map(acmeOrderRow)
}
