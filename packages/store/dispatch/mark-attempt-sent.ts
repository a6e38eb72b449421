import type { Event } from '@ngome/contracts'
import type { PaymentId, Tenant } from '@ngome/kernel'
import type { Database } from '../database.ts'
import { appendEvent } from '../events/append-event.ts'
import { proveLastEvent } from '../events/object-events.ts'
import { inTenantPrepared } from '../transaction.ts'
import { lockPayment } from './lock-payment.ts'
import type { ProveChange } from './record-outcome.ts'

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
  prove: ProveChange,
): Promise<'marked' | 'superseded'> {
  return inTenantPrepared(db, tenant, async (tx) => {
    // Taken back meanwhile: what has not left stays.
    if (await lockPayment(tx, tenant, attempt.payment) !== 'accepted') return 'superseded'
    const at = new Date(attempt.atMs)
    const marked = await tx.updateTable('attempts').set({ state: 'sent', sent_at: at, sendings: 1 })
      .where('merchant', '=', tenant.merchant).where('world', '=', tenant.world).where('payment', '=', attempt.payment)
      .where('fence', '=', attempt.fence).where('state', '=', 'prepared')
      .returning('facts_proof').executeTakeFirst()
    if (marked === undefined) return 'superseded'
    const changed = await tx.updateTable('payments').set({ status: 'processing', updated_at: at })
      .where('merchant', '=', tenant.merchant).where('world', '=', tenant.world).where('id', '=', attempt.payment)
      .where('status', '=', 'accepted')
      .executeTakeFirst()
    if (changed.numUpdatedRows === 1n) await proveLastEvent(tx, tenant, attempt.payment, (told) => prove(told, marked.facts_proof))
    await appendEvent(tx, event)
    return 'marked'
  })
}
