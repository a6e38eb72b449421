import { Fault, type Tenant } from '@ngome/kernel'
import { accountFor, sumOf, type StatementEntry, type StatementPart } from '@ngome/payments'
import {
  findStatement, firstPosition, listStatementEntries, type Database, type EntryPosition, type StatementPeriod, type StatementTotals,
} from '@ngome/store'
import { readCursor, writeCursor } from '../http/cursor.ts'
import type { ListPorts } from '../http/shown-rows.ts'

export type StatementPorts = ListPorts & { readonly database: Database }

/** Where a part begins, and what the account held there. */
type Start = { readonly after: EntryPosition; readonly number: number; readonly openingMinor: bigint }

export type ReadPart = {
  readonly part: StatementPart
  readonly entries: readonly StatementEntry[]
  readonly totals: StatementTotals
  readonly nextCursor: string | null
}

/**
 * Reads a part of a statement: as many entries as are asked for, from where the part before ended. A closed period never changes,
 * so that the parts add up whenever they are asked for.
 * @throws Fault `statements/not_closed`, `request/invalid` for a cursor that is not ours, `store/unavailable`
 */
export async function readPart(
  { database, cursorSecret }: StatementPorts, tenant: Tenant, period: StatementPeriod, cursor: string | undefined, limit: number,
): Promise<ReadPart> {
  const filter = `statement ${period.currency} ${period.from} ${period.to}`
  const totals = await findStatement(database, tenant, period)
  if (totals === undefined) throw new Fault('statements/not_closed', `${period.to} is not closed`)
  const start = cursor === undefined ? { after: firstPosition, number: 1, openingMinor: totals.openingMinor }
    : startOf(readCursor(cursorSecret, tenant, filter, cursor))
  const rows = await listStatementEntries(database, tenant, period, start.after, limit + 1)
  const entries = rows.slice(0, limit)
  const [creditMinor, debitMinor] = [sumOf(entries, true), sumOf(entries, false)]
  const last = rows.length > limit ? entries.at(-1) : undefined
  const closingMinor = start.openingMinor + creditMinor - debitMinor
  const part = {
    tenant, account: accountFor(tenant, 'merchant_available', '', period.currency).id, ...period, createdAtMs: totals.closedAtMs,
    number: start.number, isLast: last === undefined, openingMinor: start.openingMinor, closingMinor,
    entryCount: entries.length, creditMinor, debitMinor,
  }
  if (part.isLast && closingMinor !== totals.closingMinor) throw new TypeError(`the statement of ${part.account} to ${period.to} does not add up`)
  const nextCursor = last === undefined ? null : writeCursor(cursorSecret, tenant, {
    filter, after: [last.position.era, last.position.cameIn, last.position.document, last.position.kind, start.number + 1, closingMinor].join(' '),
  })
  return { part, entries, totals, nextCursor }
}

function startOf(position: string | undefined): Start {
  const [era, cameIn, document, kind, number, opening] = position?.split(' ') ?? []
  if (era === undefined || cameIn === undefined || document === undefined || kind === undefined || number === undefined || opening === undefined) {
    const field = { pointer: '/cursor', detail: 'This is not a cursor of this statement.' }
    throw new Fault('request/invalid', 'a cursor that is not ours', { fields: [field] })
  }
  return { after: { era: Number(era), cameIn, document, kind }, number: Number(number), openingMinor: BigInt(opening) }
}
