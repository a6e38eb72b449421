import { emit } from '@ngome/contracts'
import { worlds, type ApiKeyId, type Clock, type Random, type Tenant } from '@ngome/kernel'
import { revokeApiKey, type Database } from '@ngome/store'
import { allMerchants } from './find-merchant.ts'

/** Revokes a key whoever it belongs to: in an emergency one has the key, and no time to ask whose it is. */
export async function revokeKey(
  { db, clock, random }: { readonly db: Database; readonly clock: Clock; readonly random: Random }, key: ApiKeyId,
): Promise<{ readonly result: 'revoked' | 'already'; readonly tenant: Tenant } | undefined> {
  for await (const { id: merchant } of allMerchants(db)) {
    for (const world of worlds) {
      const tenant = { merchant, world }
      const event = emit({ clock, random, process: 'operator' }, 'api_key.revoked', tenant, { key })
      const result = await revokeApiKey(db, tenant, key, clock.nowMs(), event)
      if (result !== 'unknown') return { result, tenant }
    }
  }
  return undefined
}
