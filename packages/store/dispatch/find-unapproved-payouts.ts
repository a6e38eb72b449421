import type { PaymentId, Tenant } from '@ngome/kernel'
import type { Database } from '../database.ts'
import { findInAllTenants } from './find-open-payments.ts'

/**
 * Finds payouts of all tenants that nobody approved or refused in time, the oldest first; rows of batches end with theirs.
 * @throws Fault `store/unavailable`
 */
export async function findUnapprovedPayouts(
  db: Database,
  search: { readonly olderThanMs: number; readonly limit: number },
): Promise<readonly { readonly tenant: Tenant; readonly payment: PaymentId }[]> {
  return (await findInAllTenants<PaymentId>(db, 'find_unapproved_payouts', search)).map(({ tenant, id }) => ({ tenant, payment: id }))
}
