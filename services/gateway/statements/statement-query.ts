import { classed } from '@ngome/contracts'
import { Fault, parseCurrency } from '@ngome/kernel'
import type { StatementPeriod } from '@ngome/store'
import { z } from 'zod'
import { pageFields } from '../http/page-fields.ts'

/** The longest period: a quarter of a year. What is longer is asked for in parts, which add up. */
export const statementDaysMax = 92
/** Entries of one exported file: a bound on memory, and about a megabyte of XML. What is longer comes in parts, each of which adds up. */
export const exportedEntriesMax = 2_000
const dayMs = 86_400_000

const period = {
  currency: classed('internal', z.string().regex(/^[A-Z]{3}$/)).meta({ description: 'ISO 4217 code.', example: 'EUR' }),
  from: classed('internal', z.iso.date()).meta({ description: 'The first day.', example: '2025-11-01' }),
  to: classed('internal', z.iso.date())
    .meta({ description: `The last day, itself in it; it must be closed. At most ${statementDaysMax} days.`, example: '2025-11-21' }),
}

export const statementQuerySchema = z.strictObject({ ...period, ...pageFields })
export const statementExportQuerySchema = z.strictObject({
  ...period,
  format: classed('public', z.enum(['csv', 'camt.053'])).optional().meta({ description: '`csv` when left out.', example: 'camt.053' }),
  cursor: pageFields.cursor,
})

/** @throws Fault `request/invalid` where the currency is none of ours, or the days are none or too many */
export function statementPeriod(query: Pick<z.output<typeof statementQuerySchema>, 'currency' | 'from' | 'to'>): StatementPeriod {
  const currency = parseCurrency(query.currency)
  if (currency === undefined) refuse('/currency', 'No such currency here.')
  const days = (Date.parse(query.to) - Date.parse(query.from)) / dayMs + 1
  if (days < 1) refuse('/to', 'Not before `from`.')
  if (days > statementDaysMax) refuse('/from', `At most ${statementDaysMax} days.`)
  return { currency, from: query.from, to: query.to }
}

function refuse(pointer: string, detail: string): never {
  throw new Fault('request/invalid', 'the period of a statement', { fields: [{ pointer, detail }] })
}
