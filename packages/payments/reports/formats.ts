import type { PaymentDirection } from '@ngome/contracts'
import type { ReportEncoding } from './decode.ts'
import type { DecimalForm } from './read-amount.ts'
import type { DateOrder } from './read-instant.ts'
import type { MovementStatus } from './report-row.ts'

/** What of a movement stands in a column; what a network does not tell is `undefined`. */
export const reportColumns = ['time', 'amount', 'currency', 'type', 'status', 'reference', 'networkReference'] as const
export type ReportColumn = (typeof reportColumns)[number]

/** How one network writes its report as CSV. All of it is data: no two countries' portals write the same. */
export type CsvFormat = {
  readonly encoding: ReportEncoding
  readonly separator: ',' | ';' | '\t' | '|'
  readonly decimal: DecimalForm
  readonly dates: DateOrder
  /** Header of each column, however it is capitalised. Without `currency`, `type` or `status` every row has the one that it can have. */
  readonly columns: Readonly<Partial<Record<ReportColumn, string>>>
  /** What the type column says, in lower case; `skip`: not of a payment, such as the network's own fees. */
  readonly types: Readonly<Record<string, PaymentDirection | 'skip'>>
  readonly statuses: Readonly<Record<string, MovementStatus>>
}

/** What the networks' files have in common. */
const plainCsv = { encoding: 'utf-8', separator: ',', decimal: { mark: '.', group: ',' }, dates: 'iso', columns: {}, types: {}, statuses: {} } as const satisfies CsvFormat

/**
 * What is taken where the configuration says nothing, by connector. No network documents its report in public: the columns are those that
 * our simulators write, with names as implementers have seen them in portals, and every one of them is configurable.
 */
export const csvFormats: Readonly<Record<'mtn-momo' | 'airtel-money' | 'card-acquirer', CsvFormat>> = {
  'mtn-momo': {
    ...plainCsv,
    columns: {
      time: 'Date', amount: 'Amount', currency: 'Currency', type: 'Type', status: 'Status', reference: 'Reference Id', networkReference: 'Financial Transaction Id',
    },
    types: {
      requesttopay: 'collection', payment: 'collection', debit: 'collection', transfer: 'payout', deposit: 'payout', refund: 'refund',
      fee: 'skip', commission: 'skip', adjustment: 'skip',
    },
    statuses: {
      successful: 'succeeded', success: 'succeeded', failed: 'failed', pending: 'pending', rejected: 'failed', timeout: 'failed', reversed: 'reversed',
    },
  },
  'airtel-money': {
    ...plainCsv,
    columns: {
      time: 'Transaction Date', amount: 'Transaction Amount', currency: 'Currency', type: 'Transaction Type', status: 'Transaction Status',
      reference: 'External Reference', networkReference: 'Airtel Money Id',
    },
    types: {
      'merchant payment': 'collection', collection: 'collection', disbursement: 'payout', b2c: 'payout', refund: 'refund', reversal: 'refund',
      fee: 'skip', commission: 'skip',
    },
    statuses: {
      ts: 'succeeded', 'transaction success': 'succeeded', success: 'succeeded', tf: 'failed', te: 'failed', 'transaction failed': 'failed', failed: 'failed',
      ta: 'pending', 'transaction ambiguous': 'pending', tip: 'pending', tr: 'reversed', reversed: 'reversed',
    },
  },
  'card-acquirer': {
    ...plainCsv,
    columns: {
      time: 'Date', amount: 'Amount', currency: 'Currency', type: 'Type', status: 'Status', reference: 'Reference', networkReference: 'Transaction Id',
    },
    types: { payment: 'collection', sale: 'collection', refund: 'refund', chargeback: 'refund', fee: 'skip' },
    statuses: { succeeded: 'succeeded', failed: 'failed', pending: 'pending', reversed: 'reversed' },
  },
}
