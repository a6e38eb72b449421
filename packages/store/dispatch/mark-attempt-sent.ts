import type { Event } from '@ngome/contracts'
import type { PaymentId, Tenant } from '@ngome/kernel'
import type { Database } from '../database.ts'
import { appendEvent } from '../events/append-event.ts'
import { inTenant } from '../transaction.ts'
import { lockPayment } from './lock-payment.ts'

/**
 * Says, before the first byte leaves, that something may have left; the payment is `processing` from here on.
 * @param event `payment.processing`
 * @returns `superseded` where another holds the attempt by now, or the payment was cancelled: then nothing may be sent
 * @throws Fault `store/unavailable`
 */
export async function markAttemptSent(
  db: Database,
  tenant: Tenant,
  attempt: { readonly payment: PaymentId; readonly fence: number; readonly atMs: number },
  event: Event,
): Promise<'marked' | 'superseded'> {
  return inTenant(db, tenant, async (tx) => {
    // Taken back meanwhile: what has not left stays.
    if (await lockPayment(tx, tenant, attempt.payment) !== 'accepted') return 'superseded'
    const at = new Date(attempt.atMs)
    const marked = await tx.updateTable('attempts').set({ state: 'sent', sent_at: at, sendings: 1 })
      .where('merchant', '=', tenant.merchant).where('world', '=', tenant.world).where('payment', '=', attempt.payment)
      .where('fence', '=', attempt.fence).where('state', '=', 'prepared')
      .executeTakeFirst()
    if (marked.numUpdatedRows === 0n) return 'superseded'
    await tx.updateTable('payments').set({ status: 'processing', updated_at: at })
      .where('merchant', '=', tenant.merchant).where('world', '=', tenant.world).where('id', '=', attempt.payment)
      .where('status', '=', 'accepted')
      .execute()
    await appendEvent(tx, event)
    return 'marked'
  })
}
