import { readFileSync } from 'node:fs'
import { systemRandom } from '@ngome/kernel'
import { clientConfig, createRoles, migrate } from '@ngome/store'
import { describeDatabase, testServer, type TestDatabase, type TestServer } from '@ngome/testkit'
import pg from 'pg'
import { CustodianProcess } from '../services/custodian/testing/custodian-process.ts'
import type { GatewayProcess } from '../services/gateway/testing/gateway-process.ts'
import { TestPlatform } from '../services/gateway/testing/test-platform.ts'
import { median, timeCase, type BenchCase, type BenchReport } from './harness.ts'
import { latencyCases } from './sides/latency-in-turns.ts'
import type { LoadOrder } from './sides/load.ts'
import { Worker } from './sides/worker.ts'
import { VaultWriter, type WrittenToken } from './vault/vault-writer.ts'

const tokensMany = 1_000_000
const tokensFew = 1_000
/** Few enough that an answer's time is the work's, not that of the queue before it. */
const connections = 4
/** Different tokens that are asked for; far apart, so that each is on a page of its own. */
const asked = 5_000
/** Of those that were written, how many are opened again through the custodian. */
const opened = 200
const rotations = 9
/** What the look-up may take more than in a small store, by the bar. */
const barMs = 2

/** A vault, its gateway, and what is asked of it. */
type Vault = {
  readonly database: TestDatabase
  readonly platform: TestPlatform
  readonly gateway: GatewayProcess
  readonly writer: VaultWriter
  tokens: readonly WrittenToken[]
}

/** A vault of a million tokens beside one of a thousand, each behind a gateway of its own, on one PostgreSQL. */
export async function bench(): Promise<BenchReport> {
  const server = await testServer({ shared_buffers: '128MB', max_wal_size: '4GB' })
  const custodian = await CustodianProcess.create()
  const load = new Worker('sides/load.ts')
  const closers: (() => Promise<void>)[] = []
  try {
    await custodian.ready()
    const many = await raise(server, custodian, 'many', closers)
    const few = await raise(server, custodian, 'few', closers)
    await fill(many)
    const cases = [
      ...await lookUps(load, many, few), memory(many, few), ...await plainSql(many, few),
      await merchantRotation(custodian, many, few),
    ]
    return { bench: 'vault', cases, notes }
  } finally {
    load.stop()
    for (const close of closers) await close()
    await custodian.remove()
    await server.postgres.stop()
  }
}

const notes = [
  `${tokensMany.toLocaleString('en')} card numbers, each sealed by the gateway's own code to a custodian's merchant key and written by the owner,`,
  `beside a vault of ${tokensFew.toLocaleString('en')}: two databases of one PostgreSQL, a gateway before each, the same requests in turns over`,
  `${connections} kept TLS connections, medians of the rounds. ${opened} of the tokens were opened again by the dispatcher's way through the`,
  'custodian. Fingerprints are drawn, not computed. The bar of the look-up is what it may take more than in the small vault.',
  'Memory: resident, of the large vault\'s gateway beside the small one\'s, after the same requests.',
  'Rotation: three new key pairs of the merchant; afterwards the same transactions have written the vault\'s rows as before.',
  'Plain SQL: the look-up\'s row by its primary key, prepared, one after the other, without tenant, transaction, TLS or HTTP.',
]

async function raise(
  server: TestServer, custodian: CustodianProcess, name: string, closers: (() => Promise<void>)[],
): Promise<Vault> {
  const database = describeDatabase(server, name)
  await createRoles(server.postgres.admin, name, server.passwords, systemRandom)
  await migrate(database.connection('ngome_migrator'))
  const platform = await TestPlatform.create(database)
  closers.push(async () => {
    await platform.close()
    await database.close()
  })
  const gateway = platform.startGateway({ hasChannel: false })
  const writer = await VaultWriter.create({ custodian, database, tenant: platform.tenant })
  const vault = { database, platform, gateway, writer, tokens: await writer.write(tokensFew, 1, () => undefined) }
  const client = platform.client()
  await gateway.untilSo('answer', async () => (await client.call({ path: '/v1/vault/tokens' })).status === 200, 20_000)
  client.close()
  return vault
}

async function fill(vault: Vault): Promise<void> {
  const startedAtMs = performance.now()
  const rest = tokensMany - tokensFew
  const tokens = await vault.writer.write(rest, Math.floor(rest / asked), (written) => {
    if (written % 50_000 === 0) tell(`${written.toLocaleString('en')} tokens sealed and written, ${seconds(startedAtMs)} s`)
  })
  tell(`all written, ${seconds(startedAtMs)} s; vacuum and statistics, as autovacuum does in the end`)
  await vault.database.asAdmin('VACUUM (ANALYZE) ngome.vault_tokens')
  vault.tokens = tokens
  await vault.writer.assertOpen(tokens.filter((_, at) => at % Math.floor(tokens.length / opened) === 0))
  tell(`${opened} of them opened through the custodian, ${seconds(startedAtMs)} s`)
}

function tell(text: string): void {
  process.stderr.write(`${text}\n`)
}

function seconds(sinceMs: number): string {
  return ((performance.now() - sinceMs) / 1_000).toFixed(0)
}

async function lookUps(load: Worker, many: Vault, few: Vault): Promise<BenchCase[]> {
  const kinds: readonly (readonly [string, (vault: Vault) => readonly string[] | Promise<readonly string[]>])[] = [
    ['look-up of a token', ({ tokens }) => tokens.map(({ id }) => `/v1/vault/tokens/${id}`)],
    ['first page of the list', () => ['/v1/vault/tokens?limit=20']],
    ['later page of the list', laterPages],
    ['tokens of one fingerprint', ({ tokens }) => tokens.map(({ fingerprint }) => `/v1/vault/tokens?fingerprint=${fingerprint}`)],
  ]
  const cases: BenchCase[] = []
  for (const [name, paths] of kinds) {
    tell(`${name}, in turns`)
    cases.push(...await latencyCases(load, name, orderOf(many, await paths(many)), orderOf(few, await paths(few))))
  }
  const p99 = cases.find((one) => one.case === 'look-up of a token, p99')
  const more = Math.max((p99?.value ?? Number.NaN) - (p99?.baseline ?? 0), 0.001)
  return [timeCase('look-up of a token, p99, more than in the small vault', 'ms', more, barMs), ...cases]
}

function orderOf({ platform }: Vault, paths: readonly string[]): Omit<LoadOrder, 'durationMs'> {
  const head = ['Host: localhost', `Authorization: Bearer ${platform.key}`, 'Accept: */*', 'User-Agent: bench', '', '']
  return {
    port: platform.folders.ports.gateway, ca: platform.custody.authority.pem, connections, status: 200,
    requests: paths.map((path) => [`GET ${path} HTTP/1.1`, ...head].join('\r\n')),
  }
}

/** The pages behind the first, as deep as the small vault has them. */
async function laterPages({ platform }: Vault): Promise<readonly string[]> {
  const client = platform.client()
  const paths: string[] = []
  for (let path = '/v1/vault/tokens?limit=20'; paths.length < tokensFew / 20 - 1;) {
    const page = JSON.parse((await client.call({ path })).text) as { readonly next_cursor: string | null }
    if (page.next_cursor === null) throw new Error('a list that ends too early')
    paths.push(path = `/v1/vault/tokens?limit=20&cursor=${page.next_cursor}`)
  }
  client.close()
  return paths
}

/** Both gateways have answered the same requests by then. */
function memory(many: Vault, few: Vault): BenchCase {
  return timeCase('memory of the gateway', 'MiB', residentMib(many.gateway), residentMib(few.gateway))
}

function residentMib({ child }: GatewayProcess): number {
  const status = readFileSync(`/proc/${child.pid ?? 0}/status`, 'latin1')
  return Number(/^VmRSS:\s+([0-9]+) kB$/m.exec(status)?.[1]) / 1024
}

/** What no gateway could be quicker than: the row by its key, from the same PostgreSQL. */
async function plainSql(many: Vault, few: Vault): Promise<BenchCase[]> {
  const sides = await Promise.all([many, few].map(async ({ database, platform, tokens }) => {
    const client = new pg.Client(clientConfig(database.admin))
    await client.connect()
    return { client, tenant: platform.tenant, tokens, times: [] as number[] }
  }))
  const text = `SELECT id, type, status, network, masked, metadata, fingerprint_status, fingerprint, created_at, expires_at
    FROM ngome.vault_tokens WHERE merchant = $1 AND world = $2 AND id = $3`
  for (let at = 0; at < 2 * asked; at++) {
    for (const { client, tenant, tokens, times } of sides) {
      const values = [tenant.merchant, tenant.world, tokens[at % tokens.length]?.id]
      const startedAtMs = performance.now()
      await client.query({ name: 'look-up', text, values })
      times.push(performance.now() - startedAtMs)
    }
  }
  for (const { client, times } of sides) {
    await client.end()
    times.sort((a, b) => a - b)
  }
  const below = (side: number, part: number): number => sides[side]?.times[Math.floor(2 * asked * part)] ?? Number.NaN
  return [
    timeCase('plain SQL by primary key, p50', 'ms', below(0, 0.5), below(1, 0.5)),
    timeCase('plain SQL by primary key, p99', 'ms', below(0, 0.99), below(1, 0.99)),
  ]
}

/** New merchant keys for one merchant and the other, in turns; of their records nothing is written, which is looked at. */
async function merchantRotation(custodian: CustodianProcess, many: Vault, few: Vault): Promise<BenchCase> {
  const sides = [many, few]
  const times: readonly [number[], number[]] = [[], []]
  const before = await Promise.all(sides.map(newestRow))
  const { client } = await custodian.client('operator')
  for (let round = 0; round < rotations; round++) {
    for (const side of [0, 1] as const) {
      const tenant = (side === 0 ? many : few).platform.tenant
      const startedAtMs = performance.now()
      await client.call('/v1/rotate-merchant-keys', { ...tenant, compromised: false })
      times[side].push(performance.now() - startedAtMs)
    }
  }
  client.close()
  const after = await Promise.all(sides.map(newestRow))
  if (after.join() !== before.join()) throw new Error('a rotation of merchant keys wrote in the vault')
  await many.writer.assertOpen(many.tokens.slice(0, opened))
  return timeCase('rotation of the merchant\'s keys', 'ms', median(times[0]), median(times[1]))
}

/** Which transaction wrote last, of all that the vault's rows and their data keys come from, and how many they are. */
async function newestRow({ database }: Vault): Promise<string> {
  const [row] = await database.asAdmin(`
    SELECT count(*) AS rows, max(written) AS newest FROM (
      SELECT xmin::text::bigint AS written FROM ngome.vault_tokens
      UNION ALL SELECT xmin::text::bigint FROM ngome.data_keys) AS all_rows`)
  return JSON.stringify(row)
}
