import type { Event } from '@ngome/contracts'
import type { PaymentId, Tenant } from '@ngome/kernel'
import type { Database } from '../database.ts'
import { appendEvent } from '../events/append-event.ts'
import { proveLastEvent } from '../events/object-events.ts'
import { inTenantPrepared } from '../transaction.ts'
import { lockPayment } from './lock-payment.ts'
import type { ProveChange } from './record-outcome.ts'

/**
 * Notes where a payment's payer has to go before it goes on, with its event; once, for the holder of the fence.
 * @returns `unchanged` where that was noted before, the payment has ended, or another holds its attempt by now
 * @throws Fault `store/unavailable`
 */
export async function noteNextAction(
  db: Database,
  tenant: Tenant,
  action: { readonly payment: PaymentId; readonly fence: number; readonly url: string; readonly atMs: number },
  event: Event,
  prove: ProveChange,
): Promise<'noted' | 'unchanged'> {
  return inTenantPrepared(db, tenant, async (tx) => {
    const status = await lockPayment(tx, tenant, action.payment)
    if (status !== 'processing' && status !== 'in_doubt') return 'unchanged'
    const held = await tx.selectFrom('attempts').select('facts_proof')
      .where('merchant', '=', tenant.merchant).where('world', '=', tenant.world).where('payment', '=', action.payment)
      .where('fence', '=', action.fence).where('state', '=', 'sent').executeTakeFirst()
    const before = await tx.selectFrom('payment_actions').select('at')
      .where('merchant', '=', tenant.merchant).where('world', '=', tenant.world).where('payment', '=', action.payment).executeTakeFirst()
    if (held === undefined || before !== undefined) return 'unchanged'
    await tx.insertInto('payment_actions').values({ ...tenant, payment: action.payment, url: action.url, at: new Date(action.atMs) }).execute()
    await proveLastEvent(tx, tenant, action.payment, (told) => prove(told, held.facts_proof))
    await appendEvent(tx, event)
    return 'noted'
  })
}
