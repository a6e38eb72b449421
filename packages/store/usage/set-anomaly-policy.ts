import type { AnomalyResponse, Event } from '@ngome/contracts'
import type { Tenant } from '@ngome/kernel'
import type { Database } from '../database.ts'
import { appendEvent } from '../events/append-event.ts'
import { inMerchant } from '../transaction.ts'

/**
 * Says what is done where the use of a tenant's keys is unusual; `null` is what the configuration says.
 * @returns `already` where it was so before
 * @throws Fault `store/unavailable`
 */
export async function setAnomalyPolicy(
  db: Database, { merchant, world }: Tenant, policy: AnomalyResponse | null, event: Event,
): Promise<'changed' | 'already' | 'unknown'> {
  const column = `on_anomaly_${world}` as const
  return inMerchant(db, merchant, async (tx) => {
    const updated = await tx.updateTable('merchants').set({ [column]: policy })
      .where('id', '=', merchant).where(column, 'is distinct from', policy).executeTakeFirst()
    if (updated.numUpdatedRows === 0n) {
      const existing = await tx.selectFrom('merchants').select('id').where('id', '=', merchant).executeTakeFirst()
      return existing === undefined ? 'unknown' : 'already'
    }
    await appendEvent(tx, event)
    return 'changed'
  })
}
