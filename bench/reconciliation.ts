import { chmodSync } from 'node:fs'
import { join } from 'node:path'
import { csvFormats, type ReportForm } from '@ngome/payments'
import { addTestMerchant, addUpPast, testServer, writePastPayments, type TestDatabase } from '@ngome/testkit'
import { rateCase, type BenchCase, type BenchOptions, type BenchReport } from './harness.ts'
import type { ImportOrder, ImportTold } from './reconciliation/importer.ts'
import { writeAttempts, writeReport } from './reconciliation/write-report.ts'
import { durableDatabase } from './sides/durable-database.ts'
import { memoryCases } from './sides/memory-of.ts'
import { Worker } from './sides/worker.ts'

const manyDefault = 1_000_000
/** Each form has a network of its own, so that neither finds the other's movements there. */
const reports = [
  { form: 'csv', network: 'mtn-sandbox', currency: 'EUR' }, { form: 'camt.053', network: 'mtn-uganda', currency: 'UGX' },
] as const
type Report = (typeof reports)[number]

/** What a network reported of a million payments, read, kept and matched. */
export async function bench({ rows = manyDefault }: BenchOptions = {}): Promise<BenchReport> {
  const server = await testServer({ shared_buffers: '512MB', max_wal_size: '8GB' })
  try {
    const database = await durableDatabase(server, 'ngome')
    await fill(database, rows)
    const cases: BenchCase[] = []
    for (const report of reports) {
      const paths = { ours: join(server.folder, `report.${report.form}`), bare: join(server.folder, 'bare.csv') }
      const count = await writeReport(database, report.network, paths.ours, report.form)
      // What COPY cannot read, it is given as a CSV of the same movements.
      if (report.form !== 'csv') await writeReport(database, report.network, paths.bare, 'csv')
      chmodSync(paths.ours, 0o644)
      tell(`${report.form}: ${count.toLocaleString('en')} movements; COPY and a join`)
      const bareSeconds = await copyAndJoin(database, report.form === 'csv' ? paths.ours : paths.bare)
      cases.push(...await importOne(database, report, paths.ours, count, bareSeconds))
    }
    await database.close()
    return { bench: 'reconciliation', cases, notes: notesOf(rows) }
  } finally {
    await server.postgres.stop()
  }
}

const notesOf = (rows: number): readonly string[] => [
  `A report of ${rows.toLocaleString('en')} payments of two years by one network, whose books agree with ours, as CSV and as camt.053. Ours reads the file twice, keeps each row,`,
  'takes it on as a movement once, judges it, and looks for payments that no report has: import and match. The baseline is COPY of the same',
  'movements as CSV into a table without keys, and one hash join of it with attempts and payments: what a program would do that is never stopped,',
  'never reads a file twice and keeps no trail. Memory is what the importing process holds at a tenth of its time and at the end.',
]

async function fill(database: TestDatabase, rows: number): Promise<void> {
  const by = reports.map(({ network, currency }) => [network, currency] as const)
  const { tenant } = await addTestMerchant(database)
  const count = rows * by.length
  await writePastPayments(database, tenant, { count, every: count, by }, (written) => {
    if (written % 200_000 === 0) tell(`${written.toLocaleString('en')} payments written`)
  })
  await addUpPast(database)
  await writeAttempts(database)
  await database.asAdmin('VACUUM (ANALYZE) ngome.payments')
}

async function importOne(database: TestDatabase, { form, network, currency }: Report, path: string, count: number, bareSeconds: number): Promise<BenchCase[]> {
  const worker = new Worker('reconciliation/importer.ts')
  try {
    const { password, ...connection } = database.connection('ngome_operator')
    const told = await worker.ask<ImportTold>({
      connection: { ...connection, password: password.expose((text) => text) }, path, network, currency, form: formOf(form),
    } satisfies ImportOrder)
    if (told.added !== count || told.opened > 0) throw new Error(`of ${count} movements ${told.added} were taken on, with ${told.opened} differences`)
    return [
      rateCase(`${form}, rows imported and matched`, '1/s', count / (told.importSeconds + told.matchSeconds), count / bareSeconds),
      rateCase(`${form}, rows imported, beside matched`, '1/s', count / told.importSeconds, count / told.matchSeconds),
      ...memoryCases([`the importing process, ${form}`], told.mib.map((mib, at) => ({ done: at + 1, mib: [mib] })), told.mib.length),
    ]
  } finally {
    worker.stop()
  }
}

function formOf(form: Report['form']): ReportForm {
  return form === 'csv' ? { kind: 'csv', format: csvFormats['mtn-momo'] } : { kind: 'camt.053' }
}

/** @returns seconds */
async function copyAndJoin(database: TestDatabase, path: string): Promise<number> {
  await database.asAdmin(`CREATE TABLE public.bare (at timestamptz, network_reference text, reference uuid, type text, status text, amount numeric, currency text)`)
  const startedAtMs = performance.now()
  await database.asAdmin(`COPY public.bare FROM '${path}' (FORMAT csv, HEADER)`)
  await database.asAdmin(`SET enable_nestloop = off; SET enable_mergejoin = off; SELECT count(*) FROM public.bare b JOIN ngome.attempts a USING (reference)
    JOIN ngome.payments p ON p.id = a.payment WHERE (p.status = 'succeeded') = (b.status = 'SUCCESSFUL')`)
  const seconds = (performance.now() - startedAtMs) / 1_000
  await database.asAdmin('DROP TABLE public.bare')
  return seconds
}

function tell(text: string): void {
  process.stderr.write(`${text}\n`)
}
