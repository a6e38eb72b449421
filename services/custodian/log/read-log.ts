import type { DatabaseSync } from 'node:sqlite'
import type { LogRow } from './log-entry.ts'

/** Reads rows after a sequence number, in order. */
export function readLog(
  db: DatabaseSync, { after, limit }: { readonly after: number; readonly limit: number },
): readonly LogRow[] {
  return db.prepare('SELECT * FROM log WHERE sequence > ? ORDER BY sequence LIMIT ?').all(after, limit).map((row) => ({
    sequence: Number(row['sequence']),
    atMs: Number(row['at_ms']),
    caller: String(row['caller']),
    operation: String(row['operation']),
    outcome: row['outcome'] as LogRow['outcome'],
    reason: String(row['reason']),
    subject: String(row['subject']),
    previous: row['previous'] as Uint8Array,
    hash: row['hash'] as Uint8Array,
  }))
}
