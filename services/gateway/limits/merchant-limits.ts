import type { Limit } from '@ngome/access'
import type { Tenant } from '@ngome/kernel'
import type { Config } from '@ngome/runtime'
import type { TenantLimits } from './tenant-meters.ts'

/** Finds a merchant's own limits, `undefined` where it has none. */
export type FindOwnLimits = (tenant: Tenant) => Promise<Limit | undefined>

/**
 * What holds for a tenant: limits of its own, in all three places, or the configuration's. Its own come from the database
 * and are cut at the configuration's ceiling: who writes in the database lifts nobody above what the operator wrote in a file.
 */
export async function limitsOf(tenant: Tenant, find: FindOwnLimits, config: Config['limits']): Promise<TenantLimits> {
  const found = await find(tenant)
  if (found === undefined) return config[tenant.world]
  const own = { ratePerS: Math.min(found.ratePerS, config.ceiling.ratePerS), burst: Math.min(found.burst, config.ceiling.burst) }
  return { key: own, merchant: own, route: own }
}
