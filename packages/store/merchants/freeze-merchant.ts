import type { Event } from '@ngome/contracts'
import type { MerchantId } from '@ngome/kernel'
import { countRevocation } from '../access/revoke.ts'
import type { Database } from '../database.ts'
import { appendEvent } from '../events/append-event.ts'
import { inMerchant } from '../transaction.ts'

/**
 * Freezes a merchant, or thaws one (`isFrozen: false`), in both worlds. It counts as a revocation, so that gateways
 * learn of it as fast.
 * @returns `already` where the merchant was in that state before
 * @throws Fault `store/unavailable`
 */
export async function freezeMerchant(
  db: Database,
  id: MerchantId,
  to: { readonly isFrozen: boolean; readonly atMs: number },
  event: Event,
): Promise<'changed' | 'already' | 'unknown'> {
  return inMerchant(db, id, async (tx) => {
    const updated = await tx.updateTable('merchants')
      .set({ frozen_at: to.isFrozen ? new Date(to.atMs) : null })
      .where('id', '=', id)
      .where('frozen_at', to.isFrozen ? 'is' : 'is not', null)
      .executeTakeFirst()
    if (updated.numUpdatedRows === 0n) {
      const existing = await tx.selectFrom('merchants').select('id').where('id', '=', id).executeTakeFirst()
      return existing === undefined ? 'unknown' : 'already'
    }
    await countRevocation(tx, {
      kind: to.isFrozen ? 'merchant_frozen' : 'merchant_unfrozen',
      merchant: id,
      apiKey: null,
      atMs: to.atMs,
    })
    await appendEvent(tx, event)
    return 'changed'
  })
}
