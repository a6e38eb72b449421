import { addUpPast, testServer, writePastPayments, type PastPayment } from '@ngome/testkit'
import { median, rateCase, timeCase, type BenchCase, type BenchOptions, type BenchReport } from './harness.ts'
import { costOfPayment } from './payments/cost-of-payment.ts'
import type { InsertsReport } from './payments/single-inserts.ts'
import { acceptances, besideRawSql, workerConnection, writeConnections } from './sides/acceptances.ts'
import { raiseGatewayOn, type GatewayStand } from './sides/gateway-stand.ts'
import { latencyCases } from './sides/latency-in-turns.ts'
import type { LoadOrder, LoadReport } from './sides/load.ts'
import { Worker } from './sides/worker.ts'

const manyDefault = 10_000_000
const few = 10_000
/** Different payments that are asked for; far apart, so that each is on a page of its own. */
const asked = 2_000
/** Few enough that an answer's time is the work's, not that of the queue before it. */
const readConnections = 4
const roundMs = 2_000
const rounds = 5
/** What a list may take at most, by the bar. */
const barMs = 20
const by = [['mtn-sandbox', 'EUR'], ['mtn-uganda', 'UGX'], ['airtel-uganda', 'UGX']] as const

type Books = { readonly stand: GatewayStand; readonly past: readonly PastPayment[] }

/** Lists, searches and acceptances among ten million payments of one merchant, beside ten thousand. */
export async function bench({ rows: many = manyDefault }: BenchOptions = {}): Promise<BenchReport> {
  const server = await testServer({ shared_buffers: '1GB', max_wal_size: '16GB', checkpoint_timeout: '30min', maintenance_work_mem: '512MB' })
  const load = new Worker('sides/load.ts')
  const stands: GatewayStand[] = []
  try {
    const raise = async (name: string, count: number): Promise<Books> => {
      const stand = await raiseGatewayOn(server, name)
      stands.push(stand)
      return { stand, past: await fill(stand, name, count) }
    }
    const large = await raise('many', many)
    const small = await raise('few', few)
    const cases = [
      ...await reading(load, large, small), ...await costs(large, small), ...await besideRawSql(large.stand, load), await besideInserts(load, large),
      await writing(load, large, small),
    ]
    return { bench: 'payments', cases, notes: notesOf(many) }
  } finally {
    load.stop()
    for (const stand of stands) await stand.close()
    await server.postgres.stop()
  }
}

const notesOf = (many: number): readonly string[] => [
  `${many.toLocaleString('en')} payments of one merchant over two years, by three networks, beside ${few.toLocaleString('en')}: two databases of one PostgreSQL, a`,
  'gateway before each. They are written without triggers: with their transfers and added up, so that the ledger\'s check accepts them, and without',
  `events, attempts, jobs and keys of repetition. Reading: the same requests in turns over ${readConnections} kept TLS connections, medians of the rounds; the`,
  'first line is the slowest p99 of the lists and searches beside its bar. Buffers and bytes of the log are of one acceptance, alone, without first',
  `pages after checkpoints. Then ${writeConnections} connections each, with TLS, key check, sealing and commit to disk, beside the raw SQL of the same`,
  'transaction, beside inserts of one small row, and beside the same gateway with few payments.',
]

async function fill(stand: GatewayStand, name: string, count: number): Promise<readonly PastPayment[]> {
  const startedAtMs = performance.now()
  const seconds = (): number => Math.round((performance.now() - startedAtMs) / 1_000)
  const past = await writePastPayments(stand.database, stand.platform.tenant, { count, every: Math.max(1, Math.floor(count / asked)), by }, (written) => {
    if (written % 500_000 === 0) tell(`${written.toLocaleString('en')} payments written, ${seconds()} s`)
  })
  await addUpPast(stand.database)
  tell(`${name}: accounts added up, ${seconds()} s; vacuum and statistics, as autovacuum does in the end`)
  for (const table of ['payments', 'transfers']) await stand.database.asAdmin(`VACUUM (ANALYZE) ngome.${table}`)
  await stand.database.asAdmin('CREATE TABLE public.single_inserts (id text PRIMARY KEY, amount_minor bigint, note text, at timestamptz)')
  await stand.database.asAdmin('GRANT USAGE ON SCHEMA public TO ngome_gateway; GRANT INSERT ON public.single_inserts TO ngome_gateway')
  tell(`${name}: ready, ${seconds()} s`)
  return past
}

const aYearAgo = encodeURIComponent(new Date(Date.now() - 365 * 86_400_000).toISOString())
/** What is asked for, each as paths of the stand that it is asked of. */
const searches: readonly (readonly [string, (books: Books) => readonly string[]])[] = [
  ['a payment by its id', ({ past }) => past.map(({ id }) => `/v1/payments/${id}`)],
  ['first page', () => ['/v1/payments?limit=20']],
  ['first page of those that failed', () => ['/v1/payments?limit=20&status=failed']],
  ['those that are open', () => ['/v1/payments?limit=20&status=processing']],
  ['by reference', ({ past }) => past.map(({ reference }) => `/v1/payments?reference=${reference}`)],
  ['by a reference that is not there', () => ['/v1/payments?reference=nothing-like-it']],
  ['by network and currency', () => ['/v1/payments?network=mtn-uganda&currency=UGX']],
  ['failed by one network before a year ago', () => [`/v1/payments?network=airtel-uganda&status=failed&created_before=${aYearAgo}`]],
  ['a hundred of those that are in doubt, of which there are none', () => ['/v1/payments?limit=100&status=in_doubt']],
]

async function reading(load: Worker, large: Books, small: Books): Promise<BenchCase[]> {
  const cases: BenchCase[] = []
  for (const [name, paths] of searches) {
    tell(`${name}, in turns`)
    cases.push(...await latencyCases(load, name, reads(large, paths(large)), reads(small, paths(small))))
  }
  const slowest = Math.max(...cases.filter((one) => one.case.endsWith(', p99')).map(({ value }) => value))
  return [timeCase('the slowest of all, p99', 'ms', slowest, barMs), ...cases]
}

async function costs(large: Books, small: Books): Promise<BenchCase[]> {
  tell('what an acceptance touches')
  const [ours, baseline] = [await costOfPayment(large.stand), await costOfPayment(small.stand)]
  return [timeCase('an acceptance, buffers', '', ours.buffers, baseline.buffers), timeCase('an acceptance, bytes of the log', 'B', ours.walBytes, baseline.walBytes)]
}

/** Collections through HTTP beside single inserts: how much of what the disk gives a payment takes. */
async function besideInserts(load: Worker, { stand }: Books): Promise<BenchCase> {
  const inserts = new Worker('payments/single-inserts.ts')
  try {
    await inserts.ask({ connection: workerConnection(stand), connections: writeConnections })
    return await inTurns('single inserts, in turns', 'collections beside single inserts', () => collections(load, stand), async () => {
      const { committed, seconds } = await inserts.ask<InsertsReport>({ durationMs: roundMs })
      return committed / seconds
    })
  } finally {
    inserts.stop()
  }
}

function writing(load: Worker, large: Books, small: Books): Promise<BenchCase> {
  return inTurns('acceptances, in turns', 'collections beside those of few payments', () => collections(load, large.stand), () => collections(load, small.stand))
}

async function collections(load: Worker, stand: GatewayStand): Promise<number> {
  const report = await load.ask<LoadReport>({ ...acceptances(stand), durationMs: roundMs })
  if (report.failed > 0) throw new Error(`requests fail: ${JSON.stringify(report.failures)}`)
  return report.answered / report.seconds
}

async function inTurns(said: string, name: string, one: () => Promise<number>, other: () => Promise<number>): Promise<BenchCase> {
  tell(said)
  const rates: { readonly ours: number; readonly baseline: number }[] = []
  // The first warms up.
  for (let round = -1; round < rounds; round++) {
    const measured = { ours: await one(), baseline: await other() }
    if (round >= 0) rates.push(measured)
  }
  return rateCase(name, '1/s', median(rates.map(({ ours }) => ours)), median(rates.map(({ baseline }) => baseline)))
}

function reads({ stand: { platform } }: Books, paths: readonly string[]): Omit<LoadOrder, 'durationMs'> {
  const head = ['Host: localhost', `Authorization: Bearer ${platform.key}`, 'Accept: */*', 'User-Agent: bench', '', '']
  return {
    port: platform.folders.ports.gateway, ca: platform.custody.authority.pem, connections: readConnections, status: 200,
    requests: paths.map((path) => [`GET ${path} HTTP/1.1`, ...head].join('\r\n')),
  }
}

function tell(text: string): void {
  process.stderr.write(`${text}\n`)
}
