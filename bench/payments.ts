import { addUpPast, testServer, writePastPayments, type PastPayment } from '@ngome/testkit'
import { median, rateCase, timeCase, type BenchCase, type BenchReport } from './harness.ts'
import { raiseGatewayOn, type GatewayStand } from './sides/gateway-stand.ts'
import { latencyCases } from './sides/latency-in-turns.ts'
import type { LoadOrder, LoadReport } from './sides/load.ts'
import { Worker } from './sides/worker.ts'

const many = 10_000_000
const few = 1_000
/** Different payments that are asked for; far apart, so that each is on a page of its own. */
const asked = 2_000
/** Few enough that an answer's time is the work's, not that of the queue before it. */
const readConnections = 4
const writeConnections = 16
const roundMs = 2_000
const rounds = 7
/** What a list may take at most, by the bar. */
const barMs = 20
const by = [['mtn-sandbox', 'EUR'], ['mtn-uganda', 'UGX'], ['airtel-uganda', 'UGX']] as const
const aYearAgo = new Date(Date.now() - 365 * 86_400_000).toISOString()
const order = '{"amount":"5.00","currency":"EUR","network":"mtn-sandbox","payer":{"phone":"+46733123499"},"reference":"order-42"}'

type Books = { readonly stand: GatewayStand; readonly past: readonly PastPayment[] }

/** Lists, searches and acceptances among ten million payments of one merchant, beside a thousand. */
export async function bench(): Promise<BenchReport> {
  const server = await testServer({ shared_buffers: '512MB', max_wal_size: '8GB' })
  const load = new Worker('sides/load.ts')
  const stands: GatewayStand[] = []
  try {
    const raise = async (name: string, count: number): Promise<Books> => {
      const stand = await raiseGatewayOn(server, name)
      stands.push(stand)
      const past = await writePastPayments(stand.database, stand.platform.tenant, { count, every: Math.max(1, Math.floor(count / asked)), by }, (written) => {
        if (written % 500_000 === 0) tell(`${written.toLocaleString('en')} payments written`)
      })
      await addUpPast(stand.database)
      tell(`${name}: vacuum and statistics, as autovacuum does in the end`)
      await stand.database.asAdmin('VACUUM (ANALYZE) ngome.payments')
      return { stand, past }
    }
    const large = await raise('many', many)
    const small = await raise('few', few)
    return { bench: 'payments', cases: [...await reading(load, large, small), await writing(load, large, small)], notes }
  } finally {
    load.stop()
    for (const stand of stands) await stand.close()
    await server.postgres.stop()
  }
}

const notes = [
  `${many.toLocaleString('en')} payments of one merchant over two years beside ${few.toLocaleString('en')}: two databases of one PostgreSQL, a gateway before each,`,
  `the same requests in turns over ${readConnections} kept TLS connections, medians of the rounds. The first line is the slowest p99 of the lists and`,
  `searches beside its bar. Acceptances: ${writeConnections} connections, in turns, whole requests with TLS, key check, sealing and commit to disk.`,
]

async function reading(load: Worker, large: Books, small: Books): Promise<BenchCase[]> {
  const kinds: readonly (readonly [string, (books: Books) => readonly string[]])[] = [
    ['a payment by its id', ({ past }) => past.map(({ id }) => `/v1/payments/${id}`)],
    ['first page', () => ['/v1/payments?limit=20']],
    ['first page of those that failed', () => ['/v1/payments?limit=20&status=failed']],
    ['those that are open', () => ['/v1/payments?limit=20&status=processing']],
    ['by reference', ({ past }) => past.map(({ reference }) => `/v1/payments?reference=${reference}`)],
    ['by a reference that is not there', () => ['/v1/payments?reference=nothing-like-it']],
    ['by network and currency', () => ['/v1/payments?network=mtn-uganda&currency=UGX']],
    ['by network, failed, before a year ago', () => [`/v1/payments?network=airtel-uganda&status=failed&created_before=${encodeURIComponent(aYearAgo)}`]],
    ['a hundred of those that are in doubt, of which there are none', () => ['/v1/payments?limit=100&status=in_doubt']],
  ]
  const cases: BenchCase[] = []
  for (const [name, paths] of kinds) {
    tell(`${name}, in turns`)
    cases.push(...await latencyCases(load, name, orderOf(large, paths(large)), orderOf(small, paths(small))))
  }
  const slowest = Math.max(...cases.filter((one) => one.case.endsWith(', p99')).map(({ value }) => value))
  return [timeCase('the slowest of all, p99', 'ms', slowest, barMs), ...cases]
}

async function writing(load: Worker, large: Books, small: Books): Promise<BenchCase> {
  tell('acceptances, in turns')
  const rates: readonly [number[], number[]] = [[], []]
  for (let round = -1; round < rounds; round++) {
    for (const [side, books] of [large, small].entries()) {
      const report = await load.ask<LoadReport>({ ...acceptances(books), durationMs: roundMs })
      if (report.failed > 0) throw new Error(`requests fail: ${JSON.stringify(report.failures)}`)
      if (round >= 0) rates[side]?.push(report.answered / report.seconds)
    }
  }
  return rateCase('acceptances', '1/s', median(rates[0]), median(rates[1]))
}

function acceptances({ stand: { platform } }: Books): Omit<LoadOrder, 'durationMs'> {
  const head = [
    'Host: localhost', `Authorization: Bearer ${platform.key}`, 'Content-Type: application/json', `Content-Length: ${order.length}`,
    'Idempotency-Key: bench-{n}',
  ]
  return {
    port: platform.folders.ports.gateway, ca: platform.custody.authority.pem, connections: writeConnections, status: 201,
    requests: [['POST /v1/payments HTTP/1.1', ...head, '', order].join('\r\n')],
  }
}

function orderOf({ stand: { platform } }: Books, paths: readonly string[]): Omit<LoadOrder, 'durationMs'> {
  const head = ['Host: localhost', `Authorization: Bearer ${platform.key}`, 'Accept: */*', 'User-Agent: bench', '', '']
  return {
    port: platform.folders.ports.gateway, ca: platform.custody.authority.pem, connections: readConnections, status: 200,
    requests: paths.map((path) => [`GET ${path} HTTP/1.1`, ...head].join('\r\n')),
  }
}

function tell(text: string): void {
  process.stderr.write(`${text}\n`)
}
