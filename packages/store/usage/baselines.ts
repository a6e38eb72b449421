import type { ApiKeyId, Tenant } from '@ngome/kernel'
import type { Database } from '../database.ts'
import { pipelined } from '../pipeline.ts'

/** What was learned of a key; `state` is for who learns to read. */
export type KeyBaseline = { readonly state: unknown; readonly learnedToMs: number }

/** @throws Fault `store/unavailable` */
export async function loadBaseline(db: Database, tenant: Tenant, key: ApiKeyId): Promise<KeyBaseline | undefined> {
  const [result] = await pipelined(db, tenant, [{
    name: 'load_baseline',
    text: 'SELECT state, learned_to FROM ngome.api_key_baselines WHERE merchant = $1 AND world = $2 AND api_key = $3',
    values: [tenant.merchant, tenant.world, key],
  }])
  const row = result?.rows[0] as { state: unknown; learned_to: Date } | undefined
  return row === undefined ? undefined : { state: row.state, learnedToMs: row.learned_to.getTime() }
}

/**
 * Keeps what was learned, from where it was learned.
 * @param fromMs how far the state had come that this one was made from; `null` for the first
 * @returns whether it did: otherwise another dispatcher learned the same hours first
 * @throws Fault `store/unavailable`
 */
export async function saveBaseline(
  db: Database, tenant: Tenant, key: ApiKeyId, learned: KeyBaseline, fromMs: number | null,
): Promise<boolean> {
  const [result] = await pipelined(db, tenant, [{
    name: 'save_baseline',
    text: `INSERT INTO ngome.api_key_baselines AS b (merchant, world, api_key, learned_to, state) VALUES ($1, $2, $3, $4, $5)
      ON CONFLICT (merchant, world, api_key) DO UPDATE SET learned_to = excluded.learned_to, state = excluded.state
      WHERE b.learned_to = $6`,
    values: [tenant.merchant, tenant.world, key, new Date(learned.learnedToMs), JSON.stringify(learned.state),
      fromMs === null ? null : new Date(fromMs)],
  }])
  return result?.rowCount === 1
}
