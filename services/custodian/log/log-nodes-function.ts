import { Frontier } from '@ngome/audit'
import { leafOf, type LogRow } from './log-entry.ts'

/**
 * For the migration of a log from before the tree: called for each row in order, gives the nodes that the row completes.
 * @throws RangeError where a row is not the next one
 */
export function logNodesFunction(): (...columns: readonly (string | number | bigint | null | Uint8Array)[]) => Uint8Array {
  const frontier = new Frontier()
  return (sequence, atMs, caller, operation, outcome, reason, subject) => {
    const row = {
      sequence: Number(sequence), atMs: Number(atMs), caller: String(caller), operation: String(operation),
      outcome: outcome as LogRow['outcome'], reason: String(reason), subject: String(subject),
    }
    if (row.sequence !== frontier.size + 1) throw new RangeError(`the log lacks row ${frontier.size + 1}`)
    return Buffer.concat(frontier.append(leafOf(row)))
  }
}
