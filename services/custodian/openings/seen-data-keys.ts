import { createHash } from 'node:crypto'
import type { Reading, Transaction } from '../store/store.ts'

/** SHA-256 over the whole sealed data key, its signature included: what one signer made once. */
export function dataKeyHash(sealed: Uint8Array): Uint8Array {
  return createHash('sha256').update(sealed).digest()
}

/** Remembers that a data key existed by now. */
export async function recordSeenDataKey(transaction: Transaction, hash: Uint8Array, nowMs: number): Promise<void> {
  const sql = 'INSERT INTO seen_data_keys (hash, first_at_ms) VALUES (?, ?) ON CONFLICT DO NOTHING'
  await transaction.run(sql, hash, nowMs)
}

/** Whether a data key was opened before a moment, so that it cannot have been made, and dated back, after it. */
export async function wasSeenBefore(store: Reading, sealed: Uint8Array, beforeMs: number): Promise<boolean> {
  const sql = 'SELECT 1 FROM seen_data_keys WHERE hash = ? AND first_at_ms < ?'
  return await store.get(sql, dataKeyHash(sealed), beforeMs) !== undefined
}
