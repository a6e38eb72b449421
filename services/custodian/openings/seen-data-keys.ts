import { hash } from 'node:crypto'
import { runRows } from '../store/run-rows.ts'
import type { Reading, Transaction } from '../store/store.ts'

/** SHA-256 over the whole sealed data key, its signature included: what one signer made once. */
export function dataKeyHash(sealed: Uint8Array): Uint8Array {
  return hash('sha256', sealed, 'buffer')
}

/** Remembers that data keys existed by now; one may come more than once. */
export async function recordSeenDataKeys(
  transaction: Transaction, hashes: readonly Uint8Array[], nowMs: number,
): Promise<void> {
  const once = new Map(hashes.map((hash) => [Buffer.from(hash).toString('latin1'), hash]))
  await runRows(
    transaction, ['INSERT INTO seen_data_keys (hash, first_at_ms) VALUES ', ' ON CONFLICT DO NOTHING'],
    [...once.values()].map((hash) => [hash, nowMs]),
  )
}

/** Whether a data key was opened before a moment, so that it cannot have been made, and dated back, after it. */
export async function wasSeenBefore(store: Reading, sealed: Uint8Array, beforeMs: number): Promise<boolean> {
  const sql = 'SELECT 1 FROM seen_data_keys WHERE hash = ? AND first_at_ms < ?'
  return await store.get(sql, dataKeyHash(sealed), beforeMs) !== undefined
}
