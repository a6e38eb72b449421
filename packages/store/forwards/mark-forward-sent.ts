import type { ForwardId, Tenant } from '@ngome/kernel'
import type { Database } from '../database.ts'
import { inTenant } from '../transaction.ts'

/**
 * Commits the one attempt of a forward; asked when the connection stands and nothing has left.
 * @returns false where somebody else sent it or ended it: nothing may leave
 * @throws Fault `store/unavailable`
 */
export async function markForwardSent(db: Database, tenant: Tenant, id: ForwardId, atMs: number): Promise<boolean> {
  return inTenant(db, tenant, async (tx) => {
    const updated = await tx.updateTable('forwards').set({ status: 'sent', sent_at: new Date(atMs) })
      .where('merchant', '=', tenant.merchant).where('world', '=', tenant.world).where('id', '=', id)
      .where('status', '=', 'accepted').executeTakeFirst()
    return updated.numUpdatedRows === 1n
  })
}
