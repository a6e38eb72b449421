import type { ApiKeyId, MerchantId, Tenant, World } from '@ngome/kernel'
import type { Database } from '../database.ts'
import { guarded } from '../store-fault.ts'

export type UsedKey = { readonly tenant: Tenant; readonly apiKey: ApiKeyId }
/** `isPublishable`: everybody who opens a page can use it. */
export type SeenKey = UsedKey & { readonly count: number; readonly isPublishable: boolean }
type Row = { merchant: MerchantId; world: World; api_key: ApiKeyId; count?: string | bigint; is_publishable?: boolean }

/**
 * Keys that were used in the minutes since, or that somebody failed to prove, the busiest first, with how often.
 * @throws Fault `store/unavailable`
 */
export async function findUsedKeys(
  db: Database, since: { readonly sinceMs: number; readonly limit: number },
): Promise<readonly SeenKey[]> {
  const { rows } = await guarded(() => db.pool.query<Row>(
    'SELECT merchant, world, api_key, count, is_publishable FROM ngome.find_used_keys($1, $2)', [new Date(since.sinceMs), since.limit]))
  return rows.map((row) => ({ ...toUsedKey(row), count: Number(row.count), isPublishable: row.is_publishable === true }))
}

/**
 * Keys with hours between two times that were not learned yet.
 * @throws Fault `store/unavailable`
 */
export async function findUnlearnedKeys(
  db: Database, between: { readonly sinceMs: number; readonly untilMs: number; readonly limit: number },
): Promise<readonly UsedKey[]> {
  const { rows } = await guarded(() => db.pool.query<Row>(
    'SELECT merchant, world, api_key FROM ngome.find_unlearned_keys($1, $2, $3)',
    [new Date(between.sinceMs), new Date(between.untilMs), between.limit]))
  return rows.map(toUsedKey)
}

function toUsedKey({ merchant, world, api_key: apiKey }: Row): UsedKey {
  return { tenant: { merchant, world }, apiKey }
}
