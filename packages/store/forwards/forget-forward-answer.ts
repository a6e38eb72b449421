import type { ForwardId, Tenant } from '@ngome/kernel'
import type { Database } from '../database.ts'
import { inTenant } from '../transaction.ts'

/** Removes an answer that came before this moment. @throws Fault `store/unavailable` */
export async function forgetForwardAnswer(db: Database, tenant: Tenant, id: ForwardId, endedBeforeMs: number): Promise<void> {
  await inTenant(db, tenant, (tx) => tx.updateTable('forwards').set({ answer: null })
    .where('merchant', '=', tenant.merchant).where('world', '=', tenant.world).where('id', '=', id)
    .where('answer', 'is not', null).where('ended_at', '<=', new Date(endedBeforeMs)).execute())
}
