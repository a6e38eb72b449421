import { paymentDirections } from '@ngome/contracts'
import { z } from 'zod'
import { timeZone } from './time-zone.ts'

const header = z.string().max(64, 'must be at most 64 characters')
const word = z.string().min(1).max(64, 'must be at most 64 characters').refine((text) => text === text.toLowerCase(), 'must be in lower case')

/**
 * How a network's report is written; what is left out is as its connector's default has it (docs/reconciliation.md). No network documents
 * its report in public, so that all of it is configuration.
 */
export const networkReport = z.strictObject({
  form: z.enum(['csv', 'camt.053'], { error: 'must be csv or camt.053' }).default('csv').describe('What its files are.'),
  timeZone: timeZone.optional().describe('Of times without an offset; that of the ledger where it is left out.'),
  encoding: z.enum(['utf-8', 'utf-16le', 'windows-1252'], { error: 'must be utf-8, utf-16le or windows-1252' }).optional(),
  separator: z.enum([',', ';', '\t', '|'], { error: 'must be a comma, a semicolon, a tab or a bar' }).optional().describe('What stands between cells.'),
  decimalMark: z.enum(['.', ','], { error: 'must be a point or a comma' }).optional(),
  digitGroup: z.enum(['', ',', '.', ' '], { error: 'must be a comma, a point, a space or nothing' }).optional()
    .describe('What stands between groups of three digits.'),
  dates: z.enum(['iso', 'dmy', 'mdy'], { error: 'must be iso, dmy or mdy' }).optional().describe('How dates are written.'),
  columns: z.strictObject({
    time: header.optional(), amount: header.optional(), currency: header.optional(), type: header.optional(), status: header.optional(),
    reference: header.optional(), networkReference: header.optional(),
  }).prefault({}).describe('The header of each column; empty: the file has none.'),
  types: z.record(word, z.enum([...paymentDirections, 'skip'], { error: 'must be collection, payout, refund or skip' })).optional()
    .describe('What the column of types says, in lower case.'),
  statuses: z.record(word, z.enum(['succeeded', 'failed', 'pending', 'reversed'], { error: 'must be succeeded, failed, pending or reversed' })).optional()
    .describe('What the column of statuses says, in lower case.'),
}).refine(({ decimalMark, digitGroup }) => decimalMark === undefined || decimalMark !== digitGroup, 'decimalMark and digitGroup must differ')
export type NetworkReportConfig = z.output<typeof networkReport>
