import type { Event } from '@ngome/contracts'
import type { CheckoutSessionId, Tenant } from '@ngome/kernel'
import type { Database } from '../database.ts'
import { appendEvent } from '../events/append-event.ts'
import { inTenantPrepared } from '../transaction.ts'

/**
 * Cancels a session: from now on its link asks nobody. One that is being paid or was paid stays as it is, and a payer who asks
 * at the same moment comes before or after, since both hold the session's row.
 * @returns `under_way` where a payment of it is not one that came to nothing; `cancelled` also where it was before
 * @throws Fault `store/unavailable`
 */
export async function cancelCheckoutSession(
  db: Database, tenant: Tenant, id: CheckoutSessionId, atMs: number, event: Event,
): Promise<'cancelled' | 'under_way' | 'unknown'> {
  return inTenantPrepared(db, tenant, async (tx) => {
    const session = await tx.selectFrom('checkout_sessions').select('cancelled_at')
      .where('merchant', '=', tenant.merchant).where('world', '=', tenant.world).where('id', '=', id).forUpdate().executeTakeFirst()
    if (session === undefined) return 'unknown'
    if (session.cancelled_at !== null) return 'cancelled'
    const open = await tx.selectFrom('checkout_tries as t')
      .innerJoin('payments as p', (join) => join.onRef('p.merchant', '=', 't.merchant').onRef('p.world', '=', 't.world').onRef('p.id', '=', 't.payment'))
      .select('t.payment').where('t.merchant', '=', tenant.merchant).where('t.world', '=', tenant.world).where('t.session', '=', id)
      .where('p.status', 'not in', ['failed', 'cancelled']).limit(1).executeTakeFirst()
    if (open !== undefined) return 'under_way'
    await tx.updateTable('checkout_sessions').set({ cancelled_at: new Date(atMs) })
      .where('merchant', '=', tenant.merchant).where('world', '=', tenant.world).where('id', '=', id).execute()
    await appendEvent(tx, event)
    return 'cancelled'
  })
}
