import type { PaymentId, Tenant } from '@ngome/kernel'
import type { Database } from '../database.ts'
import { findInAllTenants } from './find-open-payments.ts'

/**
 * Finds payouts of all tenants that nobody approved or refused in time, the oldest first.
 * @throws Fault `store/unavailable`
 */
export function findUnapprovedPayouts(
  db: Database,
  search: { readonly olderThanMs: number; readonly limit: number },
): Promise<readonly { readonly tenant: Tenant; readonly payment: PaymentId }[]> {
  return findInAllTenants(db, 'find_unapproved_payouts', search)
}
