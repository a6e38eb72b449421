import type { PaymentId, Tenant } from '@ngome/kernel'
import type { Database } from '../database.ts'
import { guarded } from '../store-fault.ts'

/**
 * Finds payments of all tenants that should have ended long ago, the oldest first, so that a job that was lost for
 * whatever reason does not leave one behind.
 * @throws Fault `store/unavailable`
 */
export async function findOpenPayments(
  db: Database,
  search: { readonly olderThanMs: number; readonly limit: number },
): Promise<readonly { readonly tenant: Tenant; readonly payment: PaymentId }[]> {
  const { rows } = await guarded(() => db.pool.query<Tenant & { id: PaymentId }>({
    name: 'find_open_payments',
    text: `SELECT merchant, world, id FROM ngome.find_open_payments($1 * interval '1 ms', $2)`,
    values: [search.olderThanMs, search.limit],
  }))
  return rows.map(({ merchant, world, id }) => ({ tenant: { merchant, world }, payment: id }))
}
