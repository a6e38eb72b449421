import type { StatementEntryView, StatementView } from '@ngome/contracts'
import { formatMoney } from '@ngome/kernel'
import { jsonType, type Answer } from '../http/answer.ts'
import type { Call } from '../http/call.ts'
import { pageSizeDefault } from '../http/limits.ts'
import { readPart, type ReadPart, type StatementPorts } from './read-part.ts'
import { statementPeriod } from './statement-query.ts'

/** Answers a page of the statement of closed days. @throws Fault `statements/not_closed`, `request/invalid`, `store/unavailable` */
export async function getStatement(ports: StatementPorts, { caller: { tenant }, query }: Call<'getStatement'>): Promise<Answer> {
  const read = await readPart(ports, tenant, statementPeriod(query), query.cursor, query.limit ?? pageSizeDefault)
  const { part: { account, currency, from, to }, totals, nextCursor } = read
  const money = (amountMinor: bigint): string => formatMoney({ amountMinor, currency })
  const view: StatementView = {
    object: 'statement', world: tenant.world, account, currency, from, to,
    opening_balance: money(totals.openingMinor), credits: money(totals.inMinor), debits: money(totals.outMinor),
    closing_balance: money(totals.closingMinor), entry_count: totals.entries, data: entryViews(read), next_cursor: nextCursor,
  }
  return { status: 200, contentType: jsonType, body: JSON.stringify(view) }
}

function entryViews({ part: { currency, openingMinor }, entries }: ReadPart): StatementEntryView[] {
  let balance = openingMinor
  return entries.map((entry) => {
    balance += entry.isCredit ? entry.amountMinor : -entry.amountMinor
    return {
      object: 'statement_entry', payment: entry.document, type: entry.kind, direction: entry.isCredit ? 'credit' : 'debit',
      amount: formatMoney({ amountMinor: entry.amountMinor, currency }), balance: formatMoney({ amountMinor: balance, currency }),
      reference: entry.reference, network: entry.network, booked_on: entry.day, posted_at: new Date(entry.atMs).toISOString(),
    }
  })
}
