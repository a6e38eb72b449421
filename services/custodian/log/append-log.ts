import type { Clock } from '@ngome/kernel'
import { runRows } from '../store/run-rows.ts'
import type { Transaction } from '../store/store.ts'
import { leafOf, type LogEntry } from './log-entry.ts'
import { readFrontier } from './log-nodes.ts'

/** Text that a caller chose, such as a path, is cut here: a row is a line for a person, not a store. */
const textLengthMax = 512

/**
 * Adds rows, in the same work as what they are about: then all are kept or none. The nodes of the tree that a row
 * completes lie in the row, so that log and tree cannot part. One statement reads, and a few write.
 */
export async function appendLog(
  transaction: Transaction, clock: Clock, entries: LogEntry | readonly LogEntry[],
): Promise<void> {
  const frontier = await readFrontier(transaction)
  const rows = [entries].flat().map(({ caller, operation, outcome, reason, subject }) => {
    const row = {
      sequence: frontier.size + 1, atMs: clock.nowMs(), caller: plain(caller), operation: plain(operation), outcome,
      reason: plain(reason), subject: plain(subject),
    }
    const nodes = Buffer.concat(frontier.append(leafOf(row)))
    return [row.sequence, row.atMs, row.caller, row.operation, row.outcome, row.reason, row.subject, nodes]
  })
  const into = 'INSERT INTO log (sequence, at_ms, caller, operation, outcome, reason, subject, nodes) VALUES '
  await runRows(transaction, [into, ''], rows)
}

/** One line of printable ASCII: no caller writes a second line, or a terminal's control codes, into the log. */
function plain(text: string): string {
  return text.slice(0, textLengthMax).replace(/[^\x20-\x7e]/g, '?')
}
