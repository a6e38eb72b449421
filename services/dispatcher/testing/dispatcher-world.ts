import assert from 'node:assert/strict'
import { generateKeyPairSync, sign, type KeyObject } from 'node:crypto'
import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { emit, type PaymentStatus } from '@ngome/contracts'
import { Fault, newId, Secret, systemClock, systemRandom, type PaymentId } from '@ngome/kernel'
import { createLogger, createMetrics, CustodianRefusal, type CustodianClient } from '@ngome/runtime'
import { parseCallbackToken, signMerchantKey, type MerchantKey } from '@ngome/signatures'
import { insertSigningKey, postgresPayments, type Workers } from '@ngome/store'
import { MtnMomoSimulator, SealingMerchant, testDatabase, type SealedPaymentOptions, type SimulatorCredentials, type TestDatabase } from '@ngome/testkit'
import { connectMtnMomo } from '../connectors/mtn-momo/connect-mtn-momo.ts'
import { alarmOnSpentBudget } from '../custodian/alarm-on-spent-budget.ts'
import { opener } from '../custodian/open-sealed.ts'
import type { Dispatcher, Network } from '../dispatcher.ts'
import { createEgressGuard } from '../egress/egress-guard.ts'
import { startJobs } from '../process/start-jobs.ts'
import { processTime } from './process-time.ts'

export const base = { clock: systemClock, random: systemRandom }
const decideAfterMs = 50
/** Long enough that a busy machine is not taken for a network that is away. */
const requestTimeoutMs = 1_000
export const timing = { settleAfterMs: 800, enquiryIntervalMs: 50, giveUpAfterMs: 6_000, sendWithinMs: 2_000 }

export type Received = { readonly path: string; readonly headers: IncomingHttpHeaders; readonly body: Buffer }

/** One database, one simulator, one merchant, and dispatchers on them as `main.ts` would build them. */
export class World {
  readonly database: TestDatabase
  readonly simulator: MtnMomoSimulator
  readonly merchant: SealingMerchant
  /** Further merchants, whose records the custodian opens as well. */
  readonly others: SealingMerchant[] = []
  readonly received: Received[] = []
  /** What the merchant's server answers to the next webhooks; then 200. Below `/hang` it answers nothing until `letGo`. */
  readonly answers: number[] = []
  readonly #hanging: ServerResponse[] = []
  #hangs = true
  isCustodianAway = false
  /** The reason that the custodian signs to every opening, or `unsigned`. */
  refusal: string | undefined
  readonly #servers: Server[] = []
  readonly #workers: Workers[] = []
  readonly #custodianKeys = generateKeyPairSync('ed25519')
  readonly callbackSecret = new Secret(systemRandom.bytes(32))
  #credentials: SimulatorCredentials | undefined
  #callbackUrl = ''
  webhookUrl = ''

  private constructor(database: TestDatabase, simulator: MtnMomoSimulator, merchant: SealingMerchant) {
    this.database = database
    this.simulator = simulator
    this.merchant = merchant
  }

  static async create(): Promise<World> {
    const database = await testDatabase()
    const simulator = await MtnMomoSimulator.start({
      DECIDE_AFTER_MS: String(decideAfterMs), DELAYED_AFTER_MS: '300', EXPIRE_AFTER_MS: '1000', STATUS_PER_SECOND_MAX: '10000',
    })
    const world = new World(database, simulator, await SealingMerchant.create(database))
    world.#callbackUrl = await world.#listen((request) => { void world.#receiveCallback(request) })
    world.webhookUrl = await world.#listen((request) => {
      world.received.push(request)
      return world.answers.shift()
    })
    return world
  }

  /** A gateway for callbacks, as far as the dispatcher sees one. */
  async #receiveCallback({ path, body }: Received): Promise<void> {
    const subject = parseCallbackToken(this.callbackSecret, path.split('/').at(-1) ?? '')
    assert(subject !== undefined && path.startsWith('/v1/callbacks/mtn-momo/'))
    await this.merchant.receiveCallback(subject.payment, body)
  }

  async #listen(receive: (request: Received) => number | void): Promise<string> {
    const server = createServer((request, response) => {
      const chunks: Buffer[] = []
      request.on('data', (chunk: Buffer) => chunks.push(chunk))
      request.on('end', () => {
        if (this.#hangs && request.url?.startsWith('/hang') === true) return void this.#hanging.push(response)
        const status = receive({ path: request.url ?? '', headers: request.headers, body: Buffer.concat(chunks) }) ?? 200
        response.writeHead(status, status === 302 ? { location: `${this.webhookUrl}/elsewhere` } : {}).end()
      })
    })
    this.#servers.push(server)
    await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve) })
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  }

  /** Answers all that hang, and what comes after them. */
  letGo(): void {
    this.#hangs = false
    for (const response of this.#hanging.splice(0)) response.writeHead(200).end()
  }

  /** As the operator adds it: stated by the custodian. */
  async addEncryptionKey(publicKey: KeyObject): Promise<void> {
    const { tenant } = this.merchant
    const createdAtMs = systemClock.nowMs()
    const key: MerchantKey = {
      id: newId('merchantSigningKey', base), tenant, algorithm: 'rsa-pss-sha512', uses: ['encrypt'], expiresAtMs: createdAtMs + 3_600_000,
      spki: publicKey.export({ format: 'der', type: 'spki' }),
    }
    const proof = signMerchantKey(key, this.#custodianKeys.privateKey)
    await insertSigningKey(this.database.open('ngome_operator', { poolMax: 1 }), { ...key, proof, createdAtMs },
      emit({ ...base, process: 'operator' }, 'merchant_key.added', tenant, { key: key.id }))
  }

  async dispatcher(): Promise<Dispatcher> {
    // One user for all: MTN shows a charge only to the user that made it.
    this.#credentials ??= await this.simulator.provision('sandbox', '127.0.0.1')
    const credentials = this.#credentials
    const egress = createEgressGuard({
      providers: { 'mtn-sandbox': { baseUrl: this.simulator.url } },
      allowPrivate: [new URL(this.simulator.url).host, new URL(this.webhookUrl).host],
      resolve: async () => [],
    })
    const connector = connectMtnMomo(
      { network: 'mtn-sandbox', targetEnvironment: 'sandbox', requestTimeoutMs, enquiriesPerSecondMax: 1_000 },
      { apiUser: new Secret(credentials.apiUser), apiKey: new Secret(credentials.apiKey), subscriptionKey: new Secret(credentials.subscriptionKey) },
      egress, systemClock,
    )
    const network: Network = { connector, provider: 'mtn-momo', world: 'test', currency: 'EUR', callingCode: '46', ...timing }
    const db = this.database.open('ngome_dispatcher')
    const logger = createLogger({ process: 'dispatcher', level: 'fatal' })
    const open = opener({ call: this.#custodian }, this.#custodianKeys.publicKey, systemRandom)
    return {
      ...base,
      db,
      payments: postgresPayments(db),
      ...processTime(),
      sleep,
      openSealed: alarmOnSpentBudget(open, { ...base, db, logger }),
      computeFingerprint: async () => { throw new Error('no test here asks for an index') },
      statementKey: this.#custodianKeys.publicKey,
      merchantKeyState: async () => 'stands', approvals: { over: new Map(), expiresAfterMs: 3_600_000 },
      egress,
      networks: new Map([['mtn-sandbox', network]]),
      isOperatorsWord: () => false,
      callbacks: { baseUrl: this.#callbackUrl, secret: this.callbackSecret },
      webhooks: { attemptsMax: 3, firstRetryMs: 20, retryMaxMs: 40, retryForMs: 60_000, timeoutMs: 500, warnAfterMs: 3_600_000, disableAfterMs: 7_200_000, disableAfterTries: 1_000 },
      logger,
    }
  }

  readonly #custodian: CustodianClient['call'] = async (path, body, options) => {
    assert.equal(path, '/v1/open')
    if (this.isCustodianAway) throw new Fault('custodian/unavailable', 'away')
    if (this.refusal !== undefined) throw this.#refused(this.refusal, options?.challenge ?? '')
    for (const merchant of this.others) {
      // Each has a key of its own: another's data key does not open with it.
      const opened = await merchant.open(body as Parameters<SealingMerchant['open']>[0]).catch(() => undefined)
      if (opened !== undefined) return opened as never
    }
    return this.merchant.open(body as Parameters<SealingMerchant['open']>[0]) as never
  }

  #refused(reason: string, challenge: string): CustodianRefusal {
    if (reason === 'unsigned') return new CustodianRefusal('no')
    const statement = JSON.stringify({ challenge, caller: 'dispatcher/1', operation: '/v1/open', reason, at: new Date().toISOString() })
    const signature = sign(null, Buffer.from(statement), this.#custodianKeys.privateKey).toString('base64url')
    return new CustodianRefusal('no', { refusal: { statement, signature } })
  }

  start(dispatcher: Dispatcher): Workers {
    const workers = startJobs(dispatcher, createMetrics({ process: 'dispatcher' }), 16)
    this.#workers.push(workers)
    return workers
  }

  async stopWorkers(): Promise<void> {
    await Promise.all(this.#workers.splice(0).map((workers) => workers.stop(1_000)))
  }

  async close(): Promise<void> {
    await this.stopWorkers()
    for (const server of this.#servers) {
      server.closeAllConnections()
      server.close()
    }
    await this.simulator.stop()
    await this.database.close()
  }

  accept(phone: string, options: Partial<SealedPaymentOptions> = {}): Promise<PaymentId> {
    return this.merchant.accept({ phone, ...options })
  }

  async stateOf(id: PaymentId): Promise<{ status: PaymentStatus; failure: string | null }> {
    const [row] = await this.database.asAdmin('SELECT status, failure FROM ngome.payments WHERE id = $1', [id])
    return row as { status: PaymentStatus; failure: string | null }
  }

  async ended(id: PaymentId, timeoutMs = 40_000): Promise<readonly [PaymentStatus, string | null]> {
    for (const startedAtMs = Date.now(); Date.now() - startedAtMs < timeoutMs; await sleep(40)) {
      const { status, failure } = await this.stateOf(id)
      if (status === 'succeeded' || status === 'failed') return [status, failure]
    }
    throw new Error(`${id} did not end: ${JSON.stringify(await this.stateOf(id))}`)
  }

  async eventsOf(id: PaymentId): Promise<readonly string[]> {
    const rows = await this.database.asAdmin('SELECT type FROM ngome.events WHERE data->>\'payment\' = $1 ORDER BY at, id', [id])
    return rows.map(({ type }) => String(type))
  }

  /** As long as `ended`: what was refused is tried again after pauses that grow. */
  async untilEvent(id: PaymentId, type: string, timeoutMs = 40_000): Promise<void> {
    for (const startedAtMs = Date.now(); Date.now() - startedAtMs < timeoutMs;) {
      if ((await this.eventsOf(id)).includes(type)) return
      await sleep(40)
    }
    throw new Error(`no ${type} of ${id}: ${JSON.stringify(await this.eventsOf(id))}`)
  }

  async chargesOf(id: PaymentId): Promise<readonly string[]> {
    return (await this.simulator.charges()).filter(({ externalId }) => externalId === id).map(({ status }) => status)
  }

  /** The promise of the room: charged at most once, and the state is the network's truth. */
  async assertTruth(id: PaymentId): Promise<void> {
    const [charges, { status }] = [await this.chargesOf(id), await this.stateOf(id)]
    assert(charges.length <= 1, `charged ${charges.length} times`)
    assert.equal(status, charges[0] === 'SUCCESSFUL' ? 'succeeded' : 'failed')
    const [transfer] = await this.database.asAdmin('SELECT phase FROM ngome.transfers WHERE payment = $1 AND is_end', [id])
    assert.equal(transfer?.['phase'], status === 'succeeded' ? 'posted' : 'voided')
  }
}
