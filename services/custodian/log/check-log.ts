import { equalsInConstantTime } from '@ngome/kernel'
import type { Reading } from '../store/store.ts'
import { logHash, logStart } from './log-entry.ts'
import { readLog } from './read-log.ts'

/** Rows held in memory at a time. */
const pageRows = 1_000

export type LogCheck =
  | { readonly ok: true; readonly rows: number; readonly head: Uint8Array }
  /** The first row that does not follow from the one before. */
  | { readonly ok: false; readonly brokenAt: number }

/**
 * Walks the chain, from its start or over its last rows. It shows a row that was changed, removed or put in between;
 * rows cut off the end show only to who has pulled them before.
 */
export async function checkLog(
  store: Reading, { last = Number.MAX_SAFE_INTEGER }: { readonly last?: number } = {},
): Promise<LogCheck> {
  const head = Number((await store.get('SELECT max(sequence) AS head FROM log'))?.['head'] ?? 0)
  let sequence = Math.max(0, head - last)
  const [first] = sequence === 0 ? [] : await readLog(store, { after: sequence - 1, limit: 1 })
  let previous = first?.hash ?? logStart
  for (;;) {
    const rows = await readLog(store, { after: sequence, limit: pageRows })
    for (const row of rows) {
      sequence++
      const follows = row.sequence === sequence && equalsInConstantTime(row.previous, previous)
      if (!follows || !equalsInConstantTime(row.hash, logHash(row))) return { ok: false, brokenAt: sequence }
      previous = row.hash
    }
    if (rows.length < pageRows) return { ok: true, rows: sequence, head: previous }
  }
}
