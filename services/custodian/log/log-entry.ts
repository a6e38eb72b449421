import { hashLeaf } from '@ngome/audit'
import { encodeCustodianLogEntry, type CustodianLogEntry } from '@ngome/contracts'

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

export type LogRow = CustodianLogEntry & {
  /** The nodes of the tree that this row completes, from its own leaf upwards, 32 bytes each. */
  readonly nodes: Uint8Array
}

/** The hash of a row's leaf, made of the row itself. */
export function leafOf(row: CustodianLogEntry): Uint8Array {
  return hashLeaf(encodeCustodianLogEntry(row))
}
