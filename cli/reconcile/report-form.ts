import { csvFormats, type CsvFormat, type ReportColumn, type ReportForm } from '@ngome/payments'
import type { NetworkConfig, NetworkReportConfig } from '@ngome/runtime'
import { Misuse } from '../command.ts'

/** Without these no row is a movement. */
const needed: readonly ReportColumn[] = ['time', 'amount', 'networkReference']

/**
 * How a network's report is written: what the configuration says, and what its connector's default is for the rest.
 * @throws Misuse where neither says which columns of a CSV file have what a movement needs
 */
export function reportFormOf(name: string, { connector, report }: Pick<NetworkConfig, 'connector' | 'report'>): ReportForm {
  if (report?.form === 'camt.053') return { kind: 'camt.053' }
  const format = report === undefined ? csvFormats[connector] : withConfigured(csvFormats[connector], report)
  const missing = needed.filter((column) => format.columns[column] === undefined)
  if (missing.length > 0) throw new Misuse(`networks.${name}.report.columns does not say which column has its ${missing.join(', ')}`)
  return { kind: 'csv', format }
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
