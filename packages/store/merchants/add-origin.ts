import type { Origin } from '@ngome/access'
import type { Event } from '@ngome/contracts'
import type { Tenant } from '@ngome/kernel'
import { countRevocation } from '../access/revoke.ts'
import type { Database } from '../database.ts'
import { appendEvent } from '../events/append-event.ts'
import { inTenant } from '../transaction.ts'

/** Origins of one merchant in one world: gateways hold them beside each of its publishable keys. */
export const originsMax = 32

/**
 * Lets pages of an origin use a merchant's publishable keys. It counts as a revocation, so that gateways learn of it as fast.
 * @returns `already` where it was so before, `too_many` past {@link originsMax}
 * @throws Fault `store/unavailable`
 */
export async function addOrigin(
  db: Database, tenant: Tenant, origin: Origin, atMs: number, event: Event,
): Promise<'added' | 'already' | 'too_many' | 'unknown'> {
  const { merchant, world } = tenant
  return inTenant(db, tenant, async (tx) => {
    // The merchant's row, so that two who add at once take turns and the bound holds.
    const known = await tx.selectFrom('merchants').select('id').where('id', '=', merchant).forUpdate().executeTakeFirst()
    if (known === undefined) return 'unknown'
    const present = await tx.selectFrom('merchant_origins').select('origin')
      .where('merchant', '=', merchant).where('world', '=', world).execute()
    if (present.some((row) => row.origin === origin)) return 'already'
    if (present.length >= originsMax) return 'too_many'
    await tx.insertInto('merchant_origins').values({ ...tenant, origin, created_at: new Date(atMs) }).execute()
    await countRevocation(tx, { kind: 'merchant_origins_changed', merchant, apiKey: null, atMs })
    await appendEvent(tx, event)
    return 'added'
  })
}
