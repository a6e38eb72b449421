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
  return find(db, 'ngome.find_keys_to_remind_of($1, $2, $3, $4)', [new Date(nowMs), new Date(nowMs - ageMs), new Date(nowMs - unusedMs), limit])
}

/**
 * The same of keys with a period of their own, which ended after `sinceMs`; `null`: whenever it did. Keys that end within another
 * such period, 30 days at most, are left out.
 * @throws Fault `store/unavailable`
 */
export async function findKeysPastTheirPeriod(
  db: Database, { nowMs, sinceMs, limit }: { readonly nowMs: number; readonly sinceMs: number | null; readonly limit: number },
): Promise<readonly KeyToRemindOf[]> {
  return find(db, 'ngome.find_keys_past_their_period($1, $2, $3)', [new Date(nowMs), sinceMs === null ? '-infinity' : new Date(sinceMs), limit])
}

async function find(db: Database, call: string, values: readonly unknown[]): Promise<readonly KeyToRemindOf[]> {
  type Row = { kind: ApiKeyReminder; id: ApiKeyId; merchant: MerchantId; world: World }
  const { rows } = await guarded(() => db.pool.query<Row>(`SELECT kind, id, merchant, world FROM ${call}`, [...values]))
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
