import type { CustodianResponse } from '@ngome/contracts'
import type { LogRow } from './log-entry.ts'

type ShownRow = CustodianResponse<'/v1/openings'>['entries'][number]

/** A row as callers are shown it: they can make its leaf of this again. */
export function shownRow({ sequence, atMs, caller, operation, outcome, reason, subject }: LogRow): ShownRow {
  return { sequence, at: new Date(atMs).toISOString(), caller, operation, outcome, reason, subject }
}
