import { csvFormats, type CsvFormat, type ReportForm } from '@ngome/payments'
import type { NetworkConfig, NetworkReportConfig } from '@ngome/runtime'
import { Misuse } from '../command.ts'

/**
 * How a network's report is written: what the configuration says, and what its connector's default is for the rest.
 * @throws Misuse where neither says what a CSV file's columns are
 */
export function reportFormOf(name: string, { connector, report }: Pick<NetworkConfig, 'connector' | 'report'>): ReportForm {
  if (report?.form === 'camt.053') return { kind: 'camt.053' }
  const usual = csvFormats[connector]
  if (usual === undefined) throw new Misuse(`nothing is known of the reports of ${connector}: give networks.${name}.report in the configuration`)
  return { kind: 'csv', format: report === undefined ? usual : withConfigured(usual, report) }
}

function withConfigured(usual: CsvFormat, report: NetworkReportConfig): CsvFormat {
  const columns = { ...usual.columns, ...report.columns }
  return {
    encoding: report.encoding ?? usual.encoding,
    separator: report.separator ?? usual.separator,
    decimal: { mark: report.decimalMark ?? usual.decimal.mark, group: report.digitGroup ?? groupBeside(report.decimalMark ?? usual.decimal.mark, usual) },
    dates: report.dates ?? usual.dates,
    // A column that is said to be empty is not there.
    columns: Object.fromEntries(Object.entries(columns).filter(([, header]) => header !== undefined && header !== '')),
    types: report.types ?? usual.types,
    statuses: report.statuses ?? usual.statuses,
  }
}

/** Where only the mark is said: a mark that groups as well would make two amounts of one text. */
function groupBeside(mark: '.' | ',', { decimal }: CsvFormat): CsvFormat['decimal']['group'] {
  return decimal.group === mark ? '' : decimal.group
}
