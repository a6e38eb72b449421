import { emit } from '@ngome/contracts'
import type { Clock, Random, Tenant } from '@ngome/kernel'
import { setMerchantLimits, type Database, type MerchantLimit } from '@ngome/store'

/** Gives a merchant limits of its own in a world, or those of the configuration again (`null`). */
export function setLimits(
  { db, clock, random }: { readonly db: Database; readonly clock: Clock; readonly random: Random }, tenant: Tenant, limit: MerchantLimit | null,
): Promise<'changed' | 'already' | 'unknown'> {
  const { merchant, world } = tenant
  const data = { world, ratePerS: limit?.ratePerS ?? null, burst: limit?.burst ?? null }
  const event = emit({ clock, random, process: 'operator' }, 'merchant.limits_changed', { merchant, world: null }, data)
  return setMerchantLimits(db, tenant, { limit, atMs: clock.nowMs() }, event)
}
