import type { ApiKeyId } from '@ngome/kernel'
import type { Database } from '../database.ts'
import { guarded } from '../store-fault.ts'

/**
 * Puts a key under a later pepper, where it still stands under the one that it was read with.
 * @returns whether this did it: otherwise another gateway did, or the key was revoked meanwhile
 * @throws Fault `store/unavailable`
 */
export async function rehashApiKey(db: Database, key: {
  readonly id: ApiKeyId
  readonly fromVersion: number
  readonly pepperVersion: number
  readonly verifier: Uint8Array
  readonly proof: Uint8Array
}): Promise<boolean> {
  const { rows } = await guarded(() => db.pool.query<{ is_rehashed: boolean }>({
    name: 'rehash_api_key',
    text: 'SELECT ngome.rehash_api_key($1, $2, $3, $4, $5) AS is_rehashed',
    values: [key.id, key.fromVersion, key.pepperVersion, key.verifier, key.proof],
  }))
  return rows[0]?.is_rehashed === true
}
