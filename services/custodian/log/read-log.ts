import type { Reading } from '../store/store.ts'
import type { LogRow } from './log-entry.ts'

/** Reads rows after a sequence number, in order. */
export async function readLog(
  store: Reading, { after, limit }: { readonly after: number; readonly limit: number },
): Promise<readonly LogRow[]> {
  const rows = await store.all('SELECT * FROM log WHERE sequence > ? ORDER BY sequence LIMIT ?', after, limit)
  return rows.map((row) => ({
    sequence: Number(row['sequence']),
    atMs: Number(row['at_ms']),
    caller: String(row['caller']),
    operation: String(row['operation']),
    outcome: row['outcome'] as LogRow['outcome'],
    reason: String(row['reason']),
    subject: String(row['subject']),
    nodes: row['nodes'] as Uint8Array,
  }))
}
