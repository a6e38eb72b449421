import { readCamtReport } from './camt-report.ts'
import { readCsvReport, type ReportOfNetwork } from './csv-report.ts'
import { decodeReport, UnreadableText } from './decode.ts'
import type { CsvFormat } from './formats.ts'
import type { ReportItem } from './report-row.ts'

/** A network's report is CSV as it is configured, or a bank's statement. */
export type ReportForm = { readonly kind: 'csv'; readonly format: CsvFormat } | { readonly kind: 'camt.053' }

/**
 * Reads a report as it comes, in memory that does not grow with it. The file is nobody's word: what is in it is only well formed.
 * @returns movements, what is none, and where something is wrong
 */
export async function* readReport(bytes: AsyncIterable<Uint8Array>, form: ReportForm, network: ReportOfNetwork): AsyncGenerator<ReportItem> {
  const text = decodeReport(bytes, form.kind === 'csv' ? form.format.encoding : 'utf-8')
  try {
    yield* form.kind === 'csv' ? readCsvReport(text, form.format, network) : readCamtReport(text, network)
  } catch (cause) {
    if (!(cause instanceof UnreadableText)) throw cause
    yield cause.found
  }
}
