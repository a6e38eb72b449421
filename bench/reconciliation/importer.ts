import { emit } from '@ngome/contracts'
import { Secret, systemClock, systemRandom } from '@ngome/kernel'
import type { ReportForm } from '@ngome/payments'
import { importReport, matchReports, openDatabase, type Connection } from '@ngome/store'
import { residentMib } from '../sides/memory-of.ts'

/** The operator's process that imports one report. */
export type ImportOrder = {
  readonly connection: Omit<Connection, 'password'> & { readonly password: string }
  readonly path: string
  readonly network: string
  readonly currency: 'EUR' | 'UGX'
  readonly form: ReportForm
}
/** `mib`: what the process held, evenly over its time. */
export type ImportTold = { readonly added: number; readonly opened: number; readonly importSeconds: number; readonly matchSeconds: number; readonly mib: readonly number[] }

const lookEveryMs = 50
const progressEvery = 50_000

process.on('message', (order: ImportOrder) => void run(order).then((report) => process.send?.(report)))
process.once('disconnect', () => process.exit())

async function run({ connection, path, network, currency, form }: ImportOrder): Promise<ImportTold> {
  const db = openDatabase({ ...connection, password: new Secret(connection.password), applicationName: 'bench', poolMax: 2, statementMsMax: 300_000 })
  const world = {
    db, clock: systemClock, random: systemRandom,
    onProgress: (done: string, rows: number) => void process.stderr.write(`${network}: ${rows.toLocaleString('en')} rows ${done}\n`),
  }
  const mib: number[] = []
  const looking = setInterval(() => { mib.push(residentMib(process.pid) ?? 0) }, lookEveryMs)
  try {
    const beganAtMs = performance.now()
    const outcome = await importReport({ path, network, world: 'test', form, rules: { currency, timeZone: 'UTC' }, by: 'bench' }, world)
    if (outcome.kind !== 'imported') throw new Error(`the report was ${outcome.kind}: ${JSON.stringify(outcome)}`)
    const importedAtMs = performance.now()
    let told = 0
    const { opened } = await matchReports(db, { network, world: 'test' }, systemClock, ({ opened, asked }) => (
      emit({ ...world, process: 'operator' }, 'reconciliation.differences_found', null, { network, found: opened, asked })), (judged) => {
      if (judged - told < progressEvery) return
      told = judged
      world.onProgress('matched', judged)
    })
    const matchSeconds = (performance.now() - importedAtMs) / 1_000
    return { added: outcome.added, opened, importSeconds: (importedAtMs - beganAtMs) / 1_000, matchSeconds, mib }
  } finally {
    clearInterval(looking)
    await db.close()
  }
}
