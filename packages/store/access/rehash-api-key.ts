import type { ApiKeyId } from '@ngome/kernel'
import type { Database } from '../database.ts'
import { guarded } from '../store-fault.ts'

/**
 * Puts a key under a later pepper, where its row is still the one that was read.
 * @returns whether this did it: otherwise another gateway did, or the key was revoked or given an end meanwhile
 * @throws Fault `store/unavailable`
 */
export async function rehashApiKey(db: Database, key: {
  readonly id: ApiKeyId
  /** Of the row as it was read. */
  readonly fromProof: Uint8Array
  readonly pepperVersion: number
  readonly verifier: Uint8Array
  readonly proof: Uint8Array
}): Promise<boolean> {
  const { rows } = await guarded(() => db.pool.query<{ is_rehashed: boolean }>({
    name: 'rehash_api_key',
    text: 'SELECT ngome.rehash_api_key($1, $2, $3, $4, $5) AS is_rehashed',
    values: [key.id, key.fromProof, key.pepperVersion, key.verifier, key.proof],
  }))
  return rows[0]?.is_rehashed === true
}
