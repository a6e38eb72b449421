import type { DatabaseSync } from 'node:sqlite'
import { createHash } from 'node:crypto'

/** SHA-256 over the whole sealed data key, its signature included: what one signer made once. */
export function dataKeyHash(sealed: Uint8Array): Uint8Array {
  return createHash('sha256').update(sealed).digest()
}

/** Remembers that a data key existed by now. Only inside a work of the commit queue. */
export function recordSeenDataKey(db: DatabaseSync, hash: Uint8Array, nowMs: number): void {
  db.prepare('INSERT INTO seen_data_keys (hash, first_at_ms) VALUES (?, ?) ON CONFLICT DO NOTHING').run(hash, nowMs)
}

/** Whether a data key was opened before a moment, so that it cannot have been made, and dated back, after it. */
export function wasSeenBefore(db: DatabaseSync, sealed: Uint8Array, beforeMs: number): boolean {
  return db.prepare('SELECT 1 FROM seen_data_keys WHERE hash = ? AND first_at_ms < ?')
    .get(dataKeyHash(sealed), beforeMs) !== undefined
}
