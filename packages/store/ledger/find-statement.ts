import type { AccountId, Currency, LedgerDocumentId, Tenant } from '@ngome/kernel'
import type { TransferKind } from '@ngome/payments'
import type { Database } from '../database.ts'
import { pipelined } from '../pipeline.ts'

/** Days of the ledger, the first and the last, both in it; `2026-11-22`. */
export type StatementPeriod = { readonly currency: Currency; readonly from: string; readonly to: string }

/** What a merchant's account held before and after the period, in minor units. */
export type StatementTotals = {
  /** `null` where the merchant never had money of this currency. */
  readonly account: AccountId | null
  readonly openingMinor: bigint
  readonly inMinor: bigint
  readonly outMinor: bigint
  readonly closingMinor: bigint
  readonly entries: number
  readonly closedAtMs: number
}

/** Where an entry stands in the order in which entries came in, which never changes. */
export type EntryPosition = { readonly era: number; readonly cameIn: string; readonly document: string; readonly kind: string }
export const firstPosition: EntryPosition = { era: 0, cameIn: '0', document: '', kind: '' }

export type StatementEntryRow = {
  readonly position: EntryPosition
  readonly document: LedgerDocumentId
  readonly kind: TransferKind
  readonly isCredit: boolean
  readonly amountMinor: bigint
  /** When its end was recorded. */
  readonly atMs: number
  /** The day that it is booked in. */
  readonly day: string
  /** The merchant's own; of an adjustment the operator's reason, of a settlement nothing. */
  readonly reference: string
  readonly network: string
}

/** The most that one page holds. */
export const statementPageMax = 5_000

/** @returns `undefined` where the last day is not closed. @throws Fault `store/unavailable` */
export async function findStatement(db: Database, tenant: Tenant, { currency, from, to }: StatementPeriod): Promise<StatementTotals | undefined> {
  const [result] = await pipelined(db, tenant, [{
    name: 'find_statement', text: 'SELECT * FROM ngome.tenant_statement($1, $2, $3)', values: [currency, from, to],
  }])
  const row = result?.rows[0]
  if (row === undefined) return undefined
  return {
    account: row['account'] as AccountId | null,
    openingMinor: row['opening_minor'] as bigint, inMinor: row['in_minor'] as bigint, outMinor: row['out_minor'] as bigint,
    closingMinor: row['closing_minor'] as bigint, entries: Number(row['entries']), closedAtMs: (row['closed_at'] as Date).getTime(),
  }
}

/** What was posted in a closed period, in the order in which it came in. @throws Fault `store/unavailable` */
export async function listStatementEntries(
  db: Database, tenant: Tenant, { currency, from, to }: StatementPeriod, after: EntryPosition, limit: number,
): Promise<readonly StatementEntryRow[]> {
  const [result] = await pipelined(db, tenant, [{
    name: 'list_statement_entries',
    text: 'SELECT * FROM ngome.tenant_entries($1, $2, $3, $4, $5, $6, $7, $8)',
    values: [currency, from, to, after.era, after.cameIn, after.document, after.kind, limit],
  }])
  return (result?.rows ?? []).map((row) => ({
    position: {
      era: row['era'] as number, cameIn: row['came_in'] as string, document: row['document'] as string, kind: row['kind'] as string,
    },
    document: row['document'] as LedgerDocumentId, kind: row['kind'] as TransferKind, isCredit: row['is_credit'] as boolean,
    amountMinor: row['amount_minor'] as bigint, atMs: (row['at'] as Date).getTime(), day: row['day'] as string,
    reference: row['reference'] as string, network: row['network'] as string,
  }))
}
