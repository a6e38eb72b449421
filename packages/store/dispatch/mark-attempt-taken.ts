import type { PaymentId, Tenant } from '@ngome/kernel'
import type { Database } from '../database.ts'
import { inTenantPrepared } from '../transaction.ts'

/**
 * Notes that the network has been seen to have the attempt. True whoever holds the fence, and for ever, so that there
 * is nothing to compare.
 * @throws Fault `store/unavailable`
 */
export async function markAttemptTaken(
  db: Database,
  tenant: Tenant,
  attempt: { readonly payment: PaymentId; readonly atMs: number },
): Promise<void> {
  await inTenantPrepared(db, tenant, (tx) => tx.updateTable('attempts').set({ taken_at: new Date(attempt.atMs) })
    .where('merchant', '=', tenant.merchant).where('world', '=', tenant.world).where('payment', '=', attempt.payment)
    .where('state', '=', 'sent').where('taken_at', 'is', null)
    .execute())
}
