import { apiKeyVerifier, newApiKey } from '@ngome/access'
import { newId, Secret, systemClock, systemRandom, type Tenant } from '@ngome/kernel'
import { Authenticator } from '../services/gateway/access/authenticate.ts'
import { tlsContext } from '../services/gateway/http/public-server.ts'
import { fixedPeppers, manualLease, provenRow } from '../services/gateway/testing/proven-keys.ts'
import type { TestPlatform } from '../services/gateway/testing/test-platform.ts'
import { wayIn } from './gateway/way-in.ts'
import { median, rateCase, timeCase, type BenchCase, type BenchReport } from './harness.ts'
import { besideRawSql, order, writeConnections } from './sides/acceptances.ts'
import { answerOf } from './sides/answer-of.ts'
import type { BareServerOrder } from './sides/bare-server.ts'
import { raiseGateway, type GatewayStand } from './sides/gateway-stand.ts'
import { cpuCase, inTurns } from './sides/in-turns.ts'
import { Worker } from './sides/worker.ts'

const readConnections = 64
/** More than there are connections, so that no two reads under way are of the same payment. */
const paymentsRead = 200

type Bench = GatewayStand & { readonly load: Worker }

/** The gateway beside a bare HTTPS server, beside raw SQL, and its key check beside its bar. */
export async function bench(): Promise<BenchReport> {
  const raised = await raiseGateway()
  const stand: Bench = { ...raised, load: new Worker('sides/load.ts') }
  try {
    const cases = [...await wayIn({ certificate: await stand.platform.certificate(), ca: stand.platform.custody.authority.pem, load: stand.load, order }), ...await reading(stand), ...await besideRawSql(stand, stand.load), ...keyChecks()]
    return { bench: 'gateway', cases, notes }
  } finally {
    stand.load.stop()
    await raised.close()
  }
}

const notes = [
  `Reading: ${readConnections} kept TLS connections; the baseline is a Node HTTPS server that answers the same bytes with the same`,
  'TLS settings and reads neither request nor database. Load generator, server and (for the gateway) PostgreSQL share the',
  'machine, so that the ratio of CPU time for each request of the process under test stands beside the throughput.',
  `Writing: ${writeConnections} connections each; the baseline runs the same statements unprepared, one round trip each, and`,
  'neither HTTP, TLS, key check, schema nor sealing. PostgreSQL commits to disk on both sides.',
  'Key check, its row in memory: a SHA-256 and, for the first on a connection, an HMAC-SHA-256; the baseline is the bar of 10 µs.',
]

async function reading(stand: Bench): Promise<BenchCase[]> {
  const { platform, gateway, load } = stand
  const ids = await createPayments(platform, paymentsRead)
  const head = ['Host: localhost', `Authorization: Bearer ${platform.key}`, 'Accept: */*', 'User-Agent: bench']
  const requests = ids.map((id) => [`GET /v1/payments/${id} HTTP/1.1`, ...head, '', ''].join('\r\n'))
  const bare = new Worker('sides/bare-server.ts')
  const { port } = await bare.ask<{ port: number }>(await bareOrder(platform, `/v1/payments/${ids[0] ?? ''}`))
  const run = { ca: platform.custody.authority.pem, connections: readConnections, requests, status: 200 }
  const sides = [
    { pid: gateway.child.pid ?? 0, order: { ...run, port: platform.folders.ports.gateway } },
    { pid: bare.pid, order: { ...run, port } },
  ] as const
  const [ours, baseline] = await inTurns(load, sides)
  bare.stop()
  return [rateCase('GET of a payment, answers', '1/s', median(ours.perSecond), median(baseline.perSecond)), ...cpuCase('GET of a payment', ours, baseline)]
}

/** The check of a key whose row is in memory: the first on a connection, and those after it. */
function keyChecks(): BenchCase[] {
  const from = { clock: systemClock, random: systemRandom }
  const tenant: Tenant = { merchant: newId('merchant', from), world: 'test' }
  const pepper = new Secret(systemRandom.bytes(32))
  const key = newApiKey({ world: 'test', ...from })
  const verifier = apiKeyVerifier(pepper, { ...key, tenant })
  const row = provenRow({ id: key.id, tenant, verifier, pepperVersion: 1, isRevoked: false, isMerchantFrozen: false, isVaultPlaintextAllowed: true })
  const authenticator = new Authenticator({
    peppers: fixedPeppers(new Map([[1, pepper]])), lease: manualLease(), clock: systemClock, rows: { cached: () => row, load: async () => undefined },
  })
  const header = key.text.expose((text) => `Bearer ${text}`)
  const microsOf = (connection: () => object): number => {
    const batches: number[] = []
    for (let batch = 0; batch < 200; batch++) {
      const startedAtMs = performance.now()
      for (let count = 0; count < 500; count++) void authenticator.authenticate(header, connection())
      batches.push((performance.now() - startedAtMs) * 1_000 / 500)
    }
    return median(batches)
  }
  const kept = {}
  return [
    timeCase('key check, first on a connection', 'µs', microsOf(() => ({})), keyCheckBarMicros),
    timeCase('key check, again', 'µs', microsOf(() => kept), keyCheckBarMicros),
  ]
}

const keyCheckBarMicros = 10

async function createPayments(platform: TestPlatform, count: number): Promise<readonly string[]> {
  const client = platform.client()
  const ids: string[] = []
  for (let made = 0; made < count; made++) {
    const answer = await client.call({ method: 'POST', path: '/v1/payments', body: JSON.parse(order), idempotencyKey: `read-${made}` })
    ids.push((JSON.parse(answer.text) as { id: string }).id)
  }
  client.close()
  return ids
}

async function bareOrder(platform: TestPlatform, path: string): Promise<BareServerOrder> {
  const answer = await answerOf({
    port: platform.folders.ports.gateway, path, ca: platform.custody.authority.pem,
    headers: { authorization: `Bearer ${platform.key}` },
  })
  return { tls: tlsContext(await platform.certificate()), ...answer }
}
