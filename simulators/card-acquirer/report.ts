import { reportCsv } from '../common/report-csv.ts'
import type { Books, Order, State } from './books.ts'

const headers = ['Date', 'Type', 'Status', 'Amount', 'Currency', 'Reference', 'Transaction Id']

/**
 * The report that an acquirer's portal gives, of its books as they stand, as CSV (RFC 4180).
 * @param currency only what is in it; without it all
 */
export function reportOf(books: Books, nowMs: number, currency: string | undefined): string {
  const orders = books.orders().filter((order) => currency === undefined || order.currency === currency)
  return reportCsv([headers, ...orders.map((order) => rowOf(order, books.stateOf(order, nowMs)))])
}

function rowOf({ takenAtMs, operation, amountMinor, currency, reference, id }: Order, { status }: State): readonly string[] {
  const shown = status === 'processing' || status === 'requires_action' ? 'pending' : status
  return [new Date(takenAtMs).toISOString(), operation, shown, decimalOf(amountMinor, currency), currency, reference, id]
}

/** With as many digits after the point as the currency has (ISO 4217). */
function decimalOf(amountMinor: string, currency: string): string {
  const { maximumFractionDigits: digits = 2 } = new Intl.NumberFormat('en', { style: 'currency', currency }).resolvedOptions()
  if (digits === 0) return amountMinor
  const padded = amountMinor.padStart(digits + 1, '0')
  return `${padded.slice(0, -digits)}.${padded.slice(-digits)}`
}
