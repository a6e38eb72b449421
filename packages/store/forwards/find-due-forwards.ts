import type { ForwardId, MerchantId, Tenant, World } from '@ngome/kernel'
import type { Database } from '../database.ts'
import { guarded } from '../store-fault.ts'

/**
 * Forwards of all tenants that are open since before `openBeforeMs`, and those whose answer came before
 * `answeredBeforeMs`; at most a thousand of each.
 * @throws Fault `store/unavailable`
 */
export async function findDueForwards(
  db: Database, before: { readonly openBeforeMs: number; readonly answeredBeforeMs: number }, limit: number,
): Promise<readonly { readonly tenant: Tenant; readonly id: ForwardId }[]> {
  type Row = { merchant: MerchantId; world: World; id: ForwardId }
  const { rows } = await guarded(() => db.pool.query<Row>(
    'SELECT merchant, world, id FROM ngome.find_due_forwards($1, $2, $3)',
    [new Date(before.openBeforeMs), new Date(before.answeredBeforeMs), limit]))
  return rows.map(({ merchant, world, id }) => ({ tenant: { merchant, world }, id }))
}
