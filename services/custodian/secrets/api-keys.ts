import type { ApiKeyId, Tenant } from '@ngome/kernel'
import type { Reading, Transaction } from '../store/store.ts'

/**
 * @returns how many API keys still need this version of the pepper: those whose statement of a later version nobody has
 * shown yet. Keys of tenants whose keys were destroyed need none.
 */
export async function countKeysUnder(store: Reading, version: number): Promise<number> {
  const row = await store.get(
    `SELECT count(*) AS count FROM api_keys k WHERE version = ?
     AND NOT EXISTS (SELECT 1 FROM ended_tenants e WHERE e.merchant = k.merchant AND e.world = k.world)`, version,
  )
  return Number(row?.['count'])
}

/** @returns whether the id was free: an id stands for one secret for ever */
export async function insertApiKey(
  transaction: Transaction, { key, tenant, version }: { readonly key: ApiKeyId; readonly tenant: Tenant; readonly version: number },
): Promise<boolean> {
  const sql = 'INSERT INTO api_keys (key, merchant, world, version) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING'
  return await transaction.run(sql, key, tenant.merchant, tenant.world, version) > 0
}

/** Notes under which version a key stands in the database; never an older one than was noted. */
export async function recordVersion(transaction: Transaction, key: ApiKeyId, version: number): Promise<void> {
  await transaction.run('UPDATE api_keys SET version = ? WHERE key = ? AND version < ?', version, key, version)
}

/** Notes when a key ends; never a later time than was noted. @returns what stands now, in milliseconds */
export async function recordEnd(transaction: Transaction, key: ApiKeyId, endsAtMs: number): Promise<number> {
  await transaction.run('UPDATE api_keys SET ends_at_ms = ? WHERE key = ? AND (ends_at_ms IS NULL OR ends_at_ms > ?)', endsAtMs, key, endsAtMs)
  return await findEnd(transaction, key) ?? endsAtMs
}

/** @returns the end that a key was given after it was issued, in milliseconds */
export async function findEnd(store: Reading, key: ApiKeyId): Promise<number | null> {
  const endsAtMs = (await store.get('SELECT ends_at_ms FROM api_keys WHERE key = ?', key))?.['ends_at_ms'] ?? null
  return endsAtMs === null ? null : Number(endsAtMs)
}
