import type { PaymentId, Tenant } from '@ngome/kernel'
import type { Database } from '../database.ts'
import { inTenantPrepared } from '../transaction.ts'

/**
 * Counts a further sending of an attempt's one reference, before its first byte leaves. Compare-and-set on both: of many
 * who decided on the same sending one sends.
 * @param attempt `sendings`: how many there were when this one was decided on
 * @returns `superseded` where another holds the attempt by now or has sent it meanwhile: then nothing may be sent
 * @throws Fault `store/unavailable`
 */
export async function markAttemptSentAgain(
  db: Database,
  tenant: Tenant,
  attempt: { readonly payment: PaymentId; readonly fence: number; readonly sendings: number },
): Promise<'marked' | 'superseded'> {
  const marked = await inTenantPrepared(db, tenant, (tx) => tx.updateTable('attempts').set({ sendings: attempt.sendings + 1 })
    .where('merchant', '=', tenant.merchant).where('world', '=', tenant.world).where('payment', '=', attempt.payment)
    .where('fence', '=', attempt.fence).where('state', '=', 'sent').where('sendings', '=', attempt.sendings)
    .executeTakeFirst())
  return marked.numUpdatedRows === 1n ? 'marked' : 'superseded'
}
