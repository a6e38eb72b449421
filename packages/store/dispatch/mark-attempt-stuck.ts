import type { Event } from '@ngome/contracts'
import type { PaymentId, Tenant } from '@ngome/kernel'
import type { Database } from '../database.ts'
import { appendEvent } from '../events/append-event.ts'
import { inTenantPrepared } from '../transaction.ts'
import { lockPayment } from './lock-payment.ts'

/**
 * Tells once, by its event, that a payment in doubt needs a person.
 * @throws Fault `store/unavailable`
 */
export async function markAttemptStuck(
  db: Database,
  tenant: Tenant,
  attempt: { readonly payment: PaymentId; readonly atMs: number },
  event: Event,
): Promise<void> {
  await inTenantPrepared(db, tenant, async (tx) => {
    if (await lockPayment(tx, tenant, attempt.payment) !== 'in_doubt') return
    const marked = await tx.updateTable('attempts').set({ stuck_at: new Date(attempt.atMs) })
      .where('merchant', '=', tenant.merchant).where('world', '=', tenant.world).where('payment', '=', attempt.payment)
      .where('state', '=', 'sent').where('stuck_at', 'is', null)
      .executeTakeFirst()
    if (marked.numUpdatedRows === 1n) await appendEvent(tx, event)
  })
}
