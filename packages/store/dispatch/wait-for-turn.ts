import type { Tenant, WebhookDeliveryId } from '@ngome/kernel'
import type { Database } from '../database.ts'
import { inTenant } from '../transaction.ts'

/**
 * Looks whether a delivery's turn has come: an endpoint is told of one object in the order in which it changed, so that what is still
 * to be told of it goes first. Where it has not, the delivery that is before it gives it its turn when it is settled.
 *
 * The rows before it are locked for the look: one that is being settled at this moment is waited for, so that either it is seen as
 * settled, or whoever settles it sees that this one waits.
 * @throws Fault `store/unavailable`
 */
export async function waitForTurn(db: Database, tenant: Tenant, id: WebhookDeliveryId): Promise<'now' | 'later'> {
  return inTenant(db, tenant, async (tx) => {
    const before = await tx.selectFrom('webhook_deliveries as b').select('b.id')
      .innerJoin('webhook_deliveries as d', (join) => join
        .onRef('d.merchant', '=', 'b.merchant').onRef('d.world', '=', 'b.world').onRef('d.endpoint', '=', 'b.endpoint')
        .onRef('d.object', '=', 'b.object').onRef('d.sequence', '>', 'b.sequence').on('d.id', '=', id))
      .where('b.merchant', '=', tenant.merchant).where('b.world', '=', tenant.world).where('b.state', '=', 'pending')
      .orderBy('b.sequence').forShare('b').execute()
    if (before.length === 0) return 'now'
    await tx.updateTable('webhook_deliveries').set({ waits: true })
      .where('merchant', '=', tenant.merchant).where('world', '=', tenant.world).where('id', '=', id).execute()
    return 'later'
  })
}
