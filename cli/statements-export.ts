import { createWriteStream } from 'node:fs'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { parseCurrency } from '@ngome/kernel'
import { statementCamt, statementCsv } from '@ngome/payments'
import type { StatementPeriod } from '@ngome/store'
import { exitCodes, Misuse, type Command } from './command.ts'
import { exportStatement } from './operator/export-statement.ts'
import { merchantId } from './operator/find-merchant.ts'
import { withDatabase } from './operator/load.ts'
import { worldOf } from './operator/world-of.ts'

const forms = { 'csv': statementCsv, 'camt.053': statementCamt } as const

export const statementsExport: Command = {
  name: 'statements export',
  summary: 'Write a merchant\u2019s statement of closed days to a file, as CSV or ISO 20022 camt.053.',
  operands: [
    { name: 'merchant', about: 'its id', isRequired: true },
    { name: 'file', about: 'where it is written; nothing may be there yet', isRequired: true },
  ],
  options: {
    world: { type: 'string', value: 'WORLD', about: 'test or live; test when left out' },
    currency: { type: 'string', value: 'CODE', about: 'ISO 4217, such as UGX', isRequired: true },
    from: { type: 'string', value: 'DAY', about: 'the first day, such as 2026-11-01', isRequired: true },
    to: { type: 'string', value: 'DAY', about: 'the last day, itself in it', isRequired: true },
    format: { type: 'string', value: 'FORMAT', about: 'csv or camt.053; csv when left out' },
  },
  async run(context, { operands, options, isJson }) {
    const tenant = { merchant: merchantId(operands['merchant']), world: worldOf(options['world']) }
    const [period, file] = [periodOf(options), operands['file'] ?? '']
    const format = options['format'] ?? 'csv'
    const form = format === 'csv' || format === 'camt.053' ? forms[format] : undefined
    if (form === undefined) throw new Misuse('the format is csv or camt.053')
    // For its owner alone: it says what a merchant has.
    await withDatabase(context, (db) => pipeline(
      Readable.from(exportStatement(db, tenant, period, form)), createWriteStream(file, { flags: 'wx', mode: 0o600 })))
    if (isJson) context.out(JSON.stringify({ ...tenant, ...period, format, file }))
    else context.out(`${file} is the statement of ${tenant.merchant} in ${tenant.world}, ${period.currency}, ${period.from} to ${period.to}`)
    return exitCodes.done
  },
}

function periodOf(options: Readonly<Record<string, string | boolean | undefined>>): StatementPeriod {
  const currency = typeof options['currency'] === 'string' ? parseCurrency(options['currency']) : undefined
  if (currency === undefined) throw new Misuse('--currency is a code such as UGX')
  const [from, to] = [dayOf('--from', options['from']), dayOf('--to', options['to'])]
  if (from > to) throw new Misuse('--from is not after --to')
  return { currency, from, to }
}

/** @throws Misuse where the option is not a day of the calendar */
export function dayOf(option: string, text: string | boolean | undefined): string {
  const day = typeof text === 'string' && /^[0-9]{4}-[0-9]{2}-[0-9]{2}$/.test(text) ? new Date(`${text}T00:00:00Z`) : undefined
  if (day === undefined || Number.isNaN(day.getTime()) || day.toISOString().slice(0, 10) !== text) throw new Misuse(`${option} is a day such as 2026-11-21`)
  return day.toISOString().slice(0, 10)
}
