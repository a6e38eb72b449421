import type { Event } from '@ngome/contracts'
import type { CallbackHintId, PaymentId, Tenant } from '@ngome/kernel'
import type { Database } from '../database.ts'
import { appendEvent } from '../events/append-event.ts'
import { inTenantPrepared } from '../transaction.ts'

/**
 * Says that a hint was held against how its payment ended, once, with what was found.
 * @param hint `finding`: the event of a claim that contradicts the end, or `null`
 * @throws Fault `store/unavailable`
 */
export async function markHintJudged(
  db: Database,
  tenant: Tenant,
  hint: { readonly id: CallbackHintId; readonly payment: PaymentId; readonly atMs: number; readonly finding: Event | null },
): Promise<void> {
  await inTenantPrepared(db, tenant, async (tx) => {
    const judged = await tx.updateTable('callback_hints').set({ judged_at: new Date(hint.atMs) })
      .where('merchant', '=', tenant.merchant).where('world', '=', tenant.world).where('payment', '=', hint.payment)
      .where('id', '=', hint.id).where('judged_at', 'is', null)
      .executeTakeFirst()
    if (judged.numUpdatedRows === 1n && hint.finding !== null) await appendEvent(tx, hint.finding)
  })
}
