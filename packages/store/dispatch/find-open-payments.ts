import type { PaymentId, Tenant } from '@ngome/kernel'
import type { Database } from '../database.ts'
import { guarded } from '../store-fault.ts'

/**
 * Finds payments of all tenants that should have ended long ago, the oldest first, so that a job that was lost for
 * whatever reason does not leave one behind.
 * @throws Fault `store/unavailable`
 */
export async function findOpenPayments(db: Database, search: Search): Promise<readonly FoundPayment[]> {
  return (await findInAllTenants<PaymentId>(db, 'find_open_payments', search)).map(({ tenant, id }) => ({ tenant, payment: id }))
}

type Search = { readonly olderThanMs: number; readonly limit: number }
type FoundPayment = { readonly tenant: Tenant; readonly payment: PaymentId }

/** Asks a function of the database that looks at all tenants and says of each that it finds whose it is. */
export async function findInAllTenants<I extends string>(
  db: Database, name: 'find_open_payments' | 'find_unapproved_payouts' | 'find_undecided_batches', search: Search,
): Promise<readonly { readonly tenant: Tenant; readonly id: I }[]> {
  const { rows } = await guarded(() => db.pool.query<Tenant & { id: I }>({
    name,
    text: `SELECT merchant, world, id FROM ngome.${name}($1 * interval '1 ms', $2)`,
    values: [search.olderThanMs, search.limit],
  }))
  return rows.map(({ merchant, world, id }) => ({ tenant: { merchant, world }, id }))
}
