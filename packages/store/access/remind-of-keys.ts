import type { Event } from '@ngome/contracts'
import type { ApiKeyId, MerchantId, Tenant, World } from '@ngome/kernel'
import type { Database } from '../database.ts'
import { appendEvent } from '../events/append-event.ts'
import { guarded } from '../store-fault.ts'
import type { ApiKeyReminder } from '../tables.ts'
import { inTenant } from '../transaction.ts'

export type KeyToRemindOf = { readonly id: ApiKeyId; readonly tenant: Tenant; readonly kind: ApiKeyReminder }

/**
 * Keys of all tenants that are older than policy wants them, or that nobody used for long, and of which nobody was
 * reminded; the oldest first, at most a thousand. Keys that end within 30 days are left out.
 * @throws Fault `store/unavailable`
 */
export async function findKeysToRemindOf(
  db: Database,
  { nowMs, ageMs, unusedMs, limit }: { readonly nowMs: number; readonly ageMs: number; readonly unusedMs: number; readonly limit: number },
): Promise<readonly KeyToRemindOf[]> {
  type Row = { kind: ApiKeyReminder; id: ApiKeyId; merchant: MerchantId; world: World }
  const { rows } = await guarded(() => db.pool.query<Row>(
    'SELECT kind, id, merchant, world FROM ngome.find_keys_to_remind_of($1, $2, $3, $4)',
    [new Date(nowMs), new Date(nowMs - ageMs), new Date(nowMs - unusedMs), limit],
  ))
  return rows.map(({ kind, id, merchant, world }) => ({ kind, id, tenant: { merchant, world } }))
}

/**
 * Records that people were reminded of a key, with the event that does it: once for each kind.
 * @returns whether this did it
 * @throws Fault `store/unavailable`
 */
export async function recordKeyReminder(
  db: Database, { id, tenant, kind }: KeyToRemindOf, event: Event, atMs: number,
): Promise<boolean> {
  return inTenant(db, tenant, async (tx) => {
    const inserted = await tx.insertInto('api_key_reminders').values({ ...tenant, api_key: id, kind, at: new Date(atMs) })
      .onConflict((conflict) => conflict.doNothing()).executeTakeFirst()
    if (inserted.numInsertedOrUpdatedRows === 0n) return false
    await appendEvent(tx, event)
    return true
  })
}
