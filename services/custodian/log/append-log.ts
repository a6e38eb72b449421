import type { Clock } from '@ngome/kernel'
import type { Transaction } from '../store/store.ts'
import { logHash, logStart, type LogEntry } from './log-entry.ts'

/** Text that a caller chose, such as a path, is cut here: a row is a line for a person, not a store. */
const textLengthMax = 512

/** Adds a row, in the same work as what the row is about: then both are kept or neither. */
export async function appendLog(transaction: Transaction, clock: Clock, entry: LogEntry): Promise<void> {
  const last = await transaction.get('SELECT sequence, hash FROM log ORDER BY sequence DESC LIMIT 1')
  const row = {
    sequence: Number(last?.['sequence'] ?? 0) + 1,
    atMs: clock.nowMs(),
    caller: plain(entry.caller),
    operation: plain(entry.operation),
    outcome: entry.outcome,
    reason: plain(entry.reason),
    subject: plain(entry.subject),
    previous: (last?.['hash'] ?? logStart) as Uint8Array,
  }
  await transaction.run(
    `INSERT INTO log (sequence, at_ms, caller, operation, outcome, reason, subject, previous, hash)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    row.sequence, row.atMs, row.caller, row.operation, row.outcome, row.reason, row.subject, row.previous, logHash(row),
  )
}

/** One line of printable ASCII: no caller writes a second line, or a terminal's control codes, into the log. */
function plain(text: string): string {
  return text.slice(0, textLengthMax).replace(/[^\x20-\x7e]/g, '?')
}
