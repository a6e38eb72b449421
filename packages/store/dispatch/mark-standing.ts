import type { Event } from '@ngome/contracts'
import type { PaymentId, Tenant } from '@ngome/kernel'
import { dispatcherOrigins } from '@ngome/payments'
import type { Database } from '../database.ts'
import { appendEvent } from '../events/append-event.ts'
import { proveLastEvent } from '../events/object-events.ts'
import { inTenantPrepared } from '../transaction.ts'
import { lockPayment } from './lock-payment.ts'
import type { ProveChange } from './record-outcome.ts'

/**
 * Says of a payment that was sent whether the network is known to have it, `processing`, or that nobody knows, `in_doubt`; with its
 * event, for the holder of the fence.
 * @returns `unchanged` where it stands so already, has ended, or another holds its attempt by now
 * @throws Fault `store/unavailable`
 */
export async function markStanding(
  db: Database,
  tenant: Tenant,
  standing: { readonly payment: PaymentId; readonly fence: number; readonly status: 'processing' | 'in_doubt'; readonly atMs: number },
  event: Event,
  prove: ProveChange,
): Promise<'changed' | 'unchanged'> {
  return inTenantPrepared(db, tenant, async (tx) => {
    const status = await lockPayment(tx, tenant, standing.payment)
    // What is only accepted goes to `processing` with its first byte, and in no other way.
    if (status === undefined || status === 'accepted' || !dispatcherOrigins(standing.status).includes(status)) return 'unchanged'
    const held = await tx.selectFrom('attempts').select('facts_proof')
      .where('merchant', '=', tenant.merchant).where('world', '=', tenant.world).where('payment', '=', standing.payment)
      .where('fence', '=', standing.fence).where('state', '=', 'sent').executeTakeFirst()
    if (held === undefined) return 'unchanged'
    await tx.updateTable('payments').set({ status: standing.status, updated_at: new Date(standing.atMs) })
      .where('merchant', '=', tenant.merchant).where('world', '=', tenant.world).where('id', '=', standing.payment)
      .execute()
    await proveLastEvent(tx, tenant, standing.payment, (told) => prove(told, held.facts_proof))
    await appendEvent(tx, event)
    return 'changed'
  })
}
