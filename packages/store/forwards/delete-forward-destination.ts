import type { Event } from '@ngome/contracts'
import type { ForwardDestinationId, Tenant } from '@ngome/kernel'
import type { Database } from '../database.ts'
import { appendEvent } from '../events/append-event.ts'
import { inTenant } from '../transaction.ts'

/** Takes an address back; what was accepted for it and has not left, fails. @throws Fault `store/unavailable` */
export async function deleteForwardDestination(
  db: Database, tenant: Tenant, id: ForwardDestinationId, event: Event,
): Promise<'deleted' | 'unknown'> {
  return inTenant(db, tenant, async (tx) => {
    const deleted = await tx.deleteFrom('forward_destinations')
      .where('merchant', '=', tenant.merchant).where('world', '=', tenant.world).where('id', '=', id).executeTakeFirst()
    if (deleted.numDeletedRows === 0n) return 'unknown'
    await appendEvent(tx, event)
    return 'deleted'
  })
}
