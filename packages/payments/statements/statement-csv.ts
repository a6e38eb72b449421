import { formatMoney } from '@ngome/kernel'
import { csv } from './csv.ts'
import type { StatementForm, StatementPart } from './statement.ts'

const columns = ['booked_on', 'posted_at', 'type', 'payment', 'reference', 'network', 'credit', 'debit', 'balance', 'currency']

/**
 * A statement as CSV (RFC 4180): a line of names, a line of type `opening_balance`, a line for each entry with what the account held after it, and
 * a line of type `closing_balance`. Text that a spreadsheet would run has an apostrophe in front.
 */
export const statementCsv: StatementForm = {
  // RFC 7111 and RFC 4180 §3.
  contentType: 'text/csv; charset=utf-8',
  extension: 'csv',
  start: (part) => csv([...part.number === 1 ? [columns] : [], balanceLine(part, part.from, 'opening_balance', part.openingMinor)]),
  entry({ currency }, entry, afterMinor) {
    const amount = formatMoney({ amountMinor: entry.amountMinor, currency })
    return csv([[
      entry.day, new Date(entry.atMs).toISOString(), entry.kind, entry.document, entry.reference, entry.network,
      entry.isCredit ? amount : null, entry.isCredit ? null : amount, formatMoney({ amountMinor: afterMinor, currency }), currency,
    ]])
  },
  end: (part) => csv([balanceLine(part, part.to, 'closing_balance', part.closingMinor)]),
}

function balanceLine({ currency }: StatementPart, day: string, type: string, amountMinor: bigint): (string | null)[] {
  return [day, null, type, null, null, null, null, null, formatMoney({ amountMinor, currency }), currency]
}
