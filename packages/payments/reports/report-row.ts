import { paymentDirections } from '@ngome/contracts'
import type { PaymentId } from '@ngome/kernel'

/** What a network says became of a movement. `reversed`: it took back what had succeeded. */
export const movementStatuses = ['succeeded', 'failed', 'pending', 'reversed'] as const
export type MovementStatus = (typeof movementStatuses)[number]

/** `outgoing`: a payout or a refund, and the file does not tell which. */
export const movementDirections = [...paymentDirections, 'outgoing'] as const
export type MovementDirection = (typeof movementDirections)[number]

/** One movement as a network's report has it, proven to be well formed and no more: whether it is true is not known. */
export type ReportRow = {
  /** Where it stands in the file, from 1. */
  readonly line: number
  readonly occurredAtMs: number
  readonly direction: MovementDirection
  readonly status: MovementStatus
  /** Minor units, above zero. */
  readonly amountMinor: bigint
  /** Our reference, by which we asked: a UUID in its one form; or the id of our payment. */
  readonly reference: string | null
  readonly payment: PaymentId | null
  /** The network's own, by which it tells its movements apart. */
  readonly networkReference: string
}

/** Why something of a file is no movement. Whoever wrote the file is not repeated: what a cell holds is not in it. */
export type ReportProblem = {
  readonly line: number
  /** From 1: of a CSV file which cell, of XML which character. */
  readonly column: number
  readonly problem: string
}

/** What of a file is not about movements, such as fees of the network's own: it is counted and left out. */
export type ReportSkip = { readonly line: number; readonly skipped: true }

/** The time that the file says that it covers, where it does. */
export type ReportPeriod = { readonly fromMs: number; readonly toMs: number }

export type ReportItem = ReportRow | ReportProblem | ReportSkip | ReportPeriod

export function isReportRow(item: ReportItem): item is ReportRow {
  return 'direction' in item
}
