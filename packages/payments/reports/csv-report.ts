import type { PaymentDirection } from '@ngome/contracts'
import type { Currency } from '@ngome/kernel'
import type { CsvFormat, ReportColumn } from './formats.ts'
import { readAmount } from './read-amount.ts'
import { readCells, type CellsOfRow } from './read-cells.ts'
import { readInstant } from './read-instant.ts'
import { readNetworkReference, readReference } from './read-reference.ts'
import type { MovementStatus, ReportItem } from './report-row.ts'

/** What every row of a network's report has in common. */
export type ReportOfNetwork = {
  readonly currency: Currency
  /** Of what says no offset; IANA name. */
  readonly timeZone: string
}

/** A column's place, and what the whole row is held to. */
type Layout = { readonly places: ReadonlyMap<ReportColumn, number>; readonly width: number }

/** Refused at its place; caught by the row's reader alone. */
class RefusedCell extends Error {
  readonly place: number

  constructor(place: number, problem: string) {
    super(problem)
    this.place = place
  }
}

/** Reads a network's CSV report row by row; what is no movement is said with its place, and the reading goes on. */
export async function* readCsvReport(text: AsyncIterable<string>, format: CsvFormat, network: ReportOfNetwork): AsyncGenerator<ReportItem> {
  let layout: Layout | undefined
  for await (const found of readCells(text, format.separator)) {
    if ('problem' in found) {
      yield found
      return
    }
    if (layout !== undefined) {
      yield readRow(found, layout, format, network)
      continue
    }
    const read = layoutOf(found, format)
    if (typeof read === 'string') {
      yield { line: found.line, column: 1, problem: read }
      return
    }
    layout = read
  }
  if (layout === undefined) yield { line: 1, column: 1, problem: 'the file has no line of headers' }
}

function layoutOf({ cells }: CellsOfRow, { columns }: CsvFormat): Layout | string {
  const headers = cells.map((cell) => cell.trim().toLowerCase())
  const places = new Map<ReportColumn, number>()
  for (const [column, header] of Object.entries(columns) as [ReportColumn, string][]) {
    const place = headers.indexOf(header.toLowerCase())
    if (place < 0) return `no column has the header ${header}: networks.<name>.report.columns says which one has its ${column}`
    if (headers.lastIndexOf(header.toLowerCase()) !== place) return `two columns have the header ${header}`
    places.set(column, place)
  }
  return { places, width: headers.length }
}

function readRow({ line, cells }: CellsOfRow, layout: Layout, format: CsvFormat, network: ReportOfNetwork): ReportItem {
  try {
    if (cells.length !== layout.width) throw new RefusedCell(Math.min(cells.length, layout.width), `the row has ${cells.length} cells and the headers are ${layout.width}`)
    const cellOf = (column: ReportColumn): string => {
      const place = layout.places.get(column)
      return place === undefined ? '' : (cells[place] ?? '').trim()
    }
    const refuse = (column: ReportColumn, problem: string): never => { throw new RefusedCell(layout.places.get(column) ?? 0, problem) }
    const type = cellOf('type').toLowerCase()
    const direction = layout.places.has('type') && Object.hasOwn(format.types, type) ? format.types[type] : undefined
    if (direction === 'skip') return { line, skipped: true }
    if (layout.places.has('currency') && cellOf('currency').toUpperCase() !== network.currency) refuse('currency', `this network settles in ${network.currency}`)
    const amount = readAmount(cellOf('amount'), network.currency, format.decimal) ?? refuse('amount', `no amount of ${network.currency} above zero`)
    return {
      line,
      occurredAtMs: readInstant(cellOf('time'), format.dates, network.timeZone) ?? refuse('time', 'no instant of the form that is configured'),
      direction: direction ?? directionOfSign(amount.isNegative, layout) ?? refuse('type', 'no type that is configured'),
      status: statusOf(cellOf('status').toLowerCase(), layout, format) ?? refuse('status', 'no status that is configured'),
      amountMinor: amount.amountMinor,
      ...readReference(cellOf('reference')),
      networkReference: readNetworkReference(cellOf('networkReference'))
        ?? refuse('networkReference', 'no reference: 1 to 128 letters, digits, dots, colons, slashes, hyphens and underscores'),
    }
  } catch (cause) {
    if (cause instanceof RefusedCell) return { line, column: cause.place + 1, problem: cause.message }
    throw cause
  }
}

/** Where no column says what a row is, its sign does: what comes in is a collection. */
function directionOfSign(isNegative: boolean, { places }: Layout): PaymentDirection | undefined {
  if (places.has('type')) return undefined
  return isNegative ? 'payout' : 'collection'
}

function statusOf(text: string, { places }: Layout, { statuses }: CsvFormat): MovementStatus | undefined {
  if (!places.has('status')) return 'succeeded'
  return Object.hasOwn(statuses, text) ? statuses[text] : undefined
}
