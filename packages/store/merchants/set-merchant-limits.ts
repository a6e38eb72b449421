import type { Event } from '@ngome/contracts'
import type { Tenant } from '@ngome/kernel'
import { countRevocation } from '../access/revoke.ts'
import type { Database } from '../database.ts'
import { appendEvent } from '../events/append-event.ts'
import { inMerchant } from '../transaction.ts'
import type { MerchantLimit } from './find-merchant-limits.ts'

/**
 * Gives a merchant limits of its own in a world, or takes them away (`limit: null`). It counts as a revocation, a policy that changed,
 * so that gateways learn of it as fast.
 * @returns `already` where it was so before
 * @throws Fault `store/unavailable`
 */
export async function setMerchantLimits(
  db: Database, { merchant, world }: Tenant, to: { readonly limit: MerchantLimit | null; readonly atMs: number }, event: Event,
): Promise<'changed' | 'already' | 'unknown'> {
  return inMerchant(db, merchant, async (tx) => {
    const known = await tx.selectFrom('merchants').select('id').where('id', '=', merchant).executeTakeFirst()
    if (known === undefined) return 'unknown'
    const { limit } = to
    const own = await tx.selectFrom('merchant_limits').select(['rate_per_s', 'burst'])
      .where('merchant', '=', merchant).where('world', '=', world).executeTakeFirst()
    if (own?.rate_per_s === limit?.ratePerS && own?.burst === limit?.burst) return 'already'
    if (limit === null) {
      await tx.deleteFrom('merchant_limits').where('merchant', '=', merchant).where('world', '=', world).execute()
    } else {
      const values = { rate_per_s: limit.ratePerS, burst: limit.burst, changed_at: new Date(to.atMs) }
      await tx.insertInto('merchant_limits').values({ merchant, world, ...values })
        .onConflict((conflict) => conflict.columns(['merchant', 'world']).doUpdateSet(values)).execute()
    }
    await countRevocation(tx, { kind: 'merchant_policy_changed', merchant, apiKey: null, atMs: to.atMs })
    await appendEvent(tx, event)
    return 'changed'
  })
}
