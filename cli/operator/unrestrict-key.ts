import { emit } from '@ngome/contracts'
import { worlds, type ApiKeyId, type Clock, type Random, type Tenant } from '@ngome/kernel'
import { liftRestriction, type Database } from '@ngome/store'
import { allMerchants } from './find-merchant.ts'

/** Lifts the restriction of a key, whoever it belongs to. @returns whose it was, `undefined` where it was not restricted */
export async function unrestrictKey(
  { db, clock, random }: { readonly db: Database; readonly clock: Clock; readonly random: Random }, key: ApiKeyId,
): Promise<Tenant | undefined> {
  for await (const { id: merchant } of allMerchants(db)) {
    for (const world of worlds) {
      const tenant = { merchant, world }
      const event = emit({ clock, random, process: 'operator' }, 'api_key.unrestricted', tenant, { key })
      if (await liftRestriction(db, tenant, key, clock.nowMs(), event) === 'lifted') return tenant
    }
  }
  return undefined
}
