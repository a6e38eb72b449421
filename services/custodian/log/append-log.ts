import type { Clock } from '@ngome/kernel'
import { runRows } from '../store/run-rows.ts'
import type { Transaction } from '../store/store.ts'
import { logHash, logStart, type LogEntry } from './log-entry.ts'

/** Text that a caller chose, such as a path, is cut here: a row is a line for a person, not a store. */
const textLengthMax = 512

/** Adds rows, in the same work as what they are about: then both are kept or neither. */
export async function appendLog(
  transaction: Transaction, clock: Clock, entries: LogEntry | readonly LogEntry[],
): Promise<void> {
  const last = await transaction.get('SELECT sequence, hash FROM log ORDER BY sequence DESC LIMIT 1')
  let sequence = Number(last?.['sequence'] ?? 0)
  let previous = (last?.['hash'] ?? logStart) as Uint8Array
  const rows = [entries].flat().map(({ caller, operation, outcome, reason, subject }) => {
    const row = {
      sequence: ++sequence, atMs: clock.nowMs(), caller: plain(caller), operation: plain(operation), outcome,
      reason: plain(reason), subject: plain(subject), previous,
    }
    previous = logHash(row)
    return [
      row.sequence, row.atMs, row.caller, row.operation, row.outcome, row.reason, row.subject, row.previous, previous,
    ]
  })
  const into = 'INSERT INTO log (sequence, at_ms, caller, operation, outcome, reason, subject, previous, hash) VALUES '
  await runRows(transaction, [into, ''], rows)
}

/** One line of printable ASCII: no caller writes a second line, or a terminal's control codes, into the log. */
function plain(text: string): string {
  return text.slice(0, textLengthMax).replace(/[^\x20-\x7e]/g, '?')
}
