import { createHash } from 'node:crypto'
import { lengthPrefixed } from '@ngome/kernel'

/** What the custodian did or refused. Ids and names only: the log may be shown to whoever audits. */
export type LogEntry = {
  readonly caller: string
  readonly operation: string
  readonly outcome: 'allowed' | 'refused'
  /** Why it was refused; empty where it was allowed. */
  readonly reason: string
  /** What it was about. */
  readonly subject: string
}

export type LogRow = LogEntry & {
  readonly sequence: number
  readonly atMs: number
  readonly previous: Uint8Array
  readonly hash: Uint8Array
}

/** What the first row follows. */
export const logStart: Uint8Array = new Uint8Array(32)

/** SHA-256 over a row and the hash of the one before, so that changing one row changes all that follow. */
export function logHash(row: Omit<LogRow, 'hash'>): Uint8Array {
  return createHash('sha256').update(lengthPrefixed(
    'ngome/custodian-log/v1', row.previous, row.sequence, row.atMs,
    row.caller, row.operation, row.outcome, row.reason, row.subject,
  )).digest()
}
