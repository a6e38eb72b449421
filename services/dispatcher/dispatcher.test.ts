import assert from 'node:assert/strict'
import { generateKeyPairSync, sign, type KeyObject } from 'node:crypto'
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, beforeEach, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { compactDecrypt } from 'jose'
import { emit, paymentSchema, type PaymentStatus } from '@ngome/contracts'
import { Fault, newId, Secret, systemClock, systemRandom, type PaymentId, type WebhookEndpointId } from '@ngome/kernel'
import { createLogger, createMetrics, CustodianRefusal, type CustodianClient } from '@ngome/runtime'
import { parseCallbackToken, parseWebhookSecret, signMerchantKey, verifyWebhook, type MerchantKey } from '@ngome/signatures'
import { checkLedger, deleteWebhookEndpoint, enqueue, inTenant, insertSigningKey, markAttemptSent, postgresPayments, prepareAttempt, recordOutcome, type Database, type Workers, type WebhookAttempt } from '@ngome/store'
import {
  MtnMomoSimulator, SealingMerchant, testDatabase, type SealedPaymentOptions, type SimulatorCredentials, type TestDatabase,
} from '@ngome/testkit'
import { connectMtnMomo } from './connectors/mtn-momo/connect-mtn-momo.ts'
import { alarmOnSpentBudget } from './custodian/alarm-on-spent-budget.ts'
import { opener } from './custodian/open-sealed.ts'
import { eventSource, type Dispatcher, type Network } from './dispatcher.ts'
import { createEgressGuard } from './egress/egress-guard.ts'
import { dispatchPayment } from './payments/dispatch-payment.ts'
import { settlePayment } from './payments/settle-payment.ts'
import { startJobs } from './process/start-jobs.ts'
import { changeProver } from './webhooks/prove-change.ts'
import { remindOfOldSecrets } from './webhooks/remind-of-old-secrets.ts'
import { processTime } from './testing/process-time.ts'

const base = { clock: systemClock, random: systemRandom }
const decideAfterMs = 50
/** Long enough that a busy machine is not taken for a network that is away. */
const requestTimeoutMs = 1_000
const timing = { settleAfterMs: 800, enquiryIntervalMs: 50, giveUpAfterMs: 6_000, sendWithinMs: 2_000 }

type Received = { readonly path: string; readonly headers: IncomingHttpHeaders; readonly body: Buffer }

/** One database, one simulator, one merchant, and dispatchers on them as `main.ts` would build them. */
class World {
  readonly database: TestDatabase
  readonly simulator: MtnMomoSimulator
  readonly merchant: SealingMerchant
  /** Further merchants, whose records the custodian opens as well. */
  readonly others: SealingMerchant[] = []
  readonly received: Received[] = []
  /** What the merchant's server answers to the next webhooks; then 200. It never answers below `/hang`. */
  readonly answers: number[] = []
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
        if (request.url?.startsWith('/hang') === true) return
        const status = receive({ path: request.url ?? '', headers: request.headers, body: Buffer.concat(chunks) }) ?? 200
        response.writeHead(status, status === 302 ? { location: `${this.webhookUrl}/elsewhere` } : {}).end()
      })
    })
    this.#servers.push(server)
    await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve) })
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
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
    const workers = startJobs(dispatcher, createMetrics({ process: 'dispatcher' }))
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

let world: World
before(async () => { world = await World.create() })
after(() => world.close())

describe('one dispatcher', () => {
  let dispatcher: Dispatcher
  before(async () => {
    dispatcher = await world.dispatcher()
    world.start(dispatcher)
  })
  after(async () => {
    await world.stopWorkers()
    dispatcher.egress.close()
  })
  beforeEach(() => world.simulator.script([]))

  test('every documented number reaches its end, charged at most once', async () => {
    const ends: readonly [string, PaymentStatus, string | null][] = [
      ['+46733123450', 'failed', 'insufficient_funds'], ['+46733123451', 'failed', 'payer_refused'],
      ['+46733123452', 'failed', 'payer_timed_out'], ['+46733123453', 'failed', 'payer_timed_out'],
      ['+46733123454', 'succeeded', null], ['+46733123455', 'failed', 'payer_unknown'],
      ['+46733123456', 'failed', 'not_allowed'], ['+46733123457', 'failed', 'not_allowed'],
      ['+46733123458', 'failed', 'network_refused'], ['+46733123459', 'failed', 'network_refused'],
      ['+46733123460', 'failed', 'network_refused'], ['+46733123461', 'failed', 'insufficient_funds'],
      // Taken by nobody, and never refused by name: given up after all its sendings.
      ['+46733123462', 'failed', 'network_refused'],
      ['+46733123463', 'failed', 'payer_timed_out'], ['+46733123499', 'succeeded', null],
    ]
    await Promise.all(ends.map(async ([phone, ...end]) => {
      const id = await world.accept(phone)
      const ended = await world.ended(id)
      await world.assertTruth(id)
      assert.deepEqual(ended, end, phone)
      assert.deepEqual((await world.eventsOf(id)).filter((type) => type.startsWith('payment.') && type !== 'payment.in_doubt'),
        ['payment.accepted', 'payment.processing', `payment.${end[0]}`])
    }))
  })

  test('every bad manner ends in the truth, charged at most once', async () => {
    const manners: readonly object[] = [
      { on: 'request', do: { kind: 'answer', status: 500 }, times: 1 },
      { on: 'request', do: { kind: 'answer', status: 503 }, times: 2 },
      { on: 'request', do: { kind: 'hang' }, times: 1 },
      { on: 'request', do: { kind: 'take_and_hang' } },
      { on: 'request', do: { kind: 'take_and_answer_late', delayMs: 1_500 } },
      { on: 'request', do: { kind: 'take_and_answer', status: 500 } },
      { on: 'request', do: { kind: 'answer_then_take', status: 500, delayMs: 250 }, times: 1 },
      // Still in MTN's queue when the reference is sent again.
      { on: 'request', do: { kind: 'answer_then_take', status: 503, delayMs: 1_500 }, times: 1 },
      // Refused by one part of MTN and taken by another, after the first enquiries.
      { on: 'request', do: { kind: 'answer_then_take', status: 403, delayMs: 500 }, times: 1 },
      { on: 'request', do: { kind: 'answer_then_take', status: 400, delayMs: 1_200 }, times: 1 },
      { on: 'request', do: { kind: 'answer', status: 400 } },
      { on: 'request', do: { kind: 'token_expired' }, times: 1 },
      { on: 'request', do: { kind: 'decide', reason: 'APPROVAL_REJECTED' } },
      { on: 'status', do: { kind: 'answer', status: 500 }, times: 2 },
      { on: 'status', do: { kind: 'hang' }, times: 1 },
      { on: 'status', do: { kind: 'answer_late', delayMs: 1_500 }, times: 1 },
      { on: 'status', do: { kind: 'rate_capped' }, times: 2 },
      { on: 'status', do: { kind: 'token_expired' }, times: 1 },
      // MTN forgets for longer than we would have waited, had it never had the charge.
      { on: 'status', do: { kind: 'not_found' }, times: 8 },
      { on: 'callback', do: { kind: 'drop' } },
      { on: 'callback', do: { kind: 'twice' } },
      { on: 'callback', do: { kind: 'before_answer' } },
      { on: 'callback', do: { kind: 'late', delayMs: 500 } },
    ]
    const payers = manners.map((manner, at) => ({ manner, payer: String(46_733_200_000 + at) }))
    await world.simulator.script(payers.map(({ manner, payer }) => ({ ...manner, payer })))
    await Promise.all(payers.map(async ({ manner, payer }) => {
      const id = await world.accept(`+${payer}`)
      await world.ended(id).catch((error: unknown) => { throw new Error(JSON.stringify(manner), { cause: error }) })
      await world.assertTruth(id)
    }))
  })

  for (const [name, phone, status] of [
    ['succeeded', '+46733201001', 'succeeded'], ['failed', '+46733201002', 'failed'],
  ] as const) {
    test(`a callback that lies about a payment that ${name} changes nothing and is reported`, async () => {
      await world.simulator.script([
        { on: 'callback', do: { kind: 'lie' } },
        ...(status === 'failed' ? [{ on: 'request', do: { kind: 'decide', reason: 'EXPIRED' } }] : []),
      ])
      const id = await world.accept(phone)
      assert.equal((await world.ended(id))[0], status)
      await world.untilEvent(id, 'callback.contradicted')
      await world.assertTruth(id)
    })
  }
  test('a callback that tells the truth is not reported, one that says nothing is not either', async () => {
    const id = await world.accept('+46733201003')
    await world.ended(id)
    await world.untilEvent(id, 'callback.received')
    await world.merchant.receiveCallback(id, Buffer.from('not JSON'))
    await sleep(500)
    assert(!(await world.eventsOf(id)).includes('callback.contradicted'))
  })
  test('a callback that lies while the custodian is away is judged when it is back, once', async () => {
    const id = await world.accept('+46733201005')
    await world.untilEvent(id, 'payment.processing')
    world.refusal = 'budget_spent'
    await world.merchant.receiveCallback(id, Buffer.from(JSON.stringify({ externalId: id, status: 'FAILED', reason: 'EXPIRED' })))
    assert.equal((await world.ended(id))[0], 'succeeded')
    // By now the job that ended the payment is one that runs again.
    await sleep(300)
    assert(!(await world.eventsOf(id)).includes('callback.contradicted'))
    world.refusal = undefined
    await world.untilEvent(id, 'callback.contradicted')
    await world.merchant.receiveCallback(id, Buffer.from('not JSON'))
    await sleep(600)
    assert.equal((await world.eventsOf(id)).filter((type) => type === 'callback.contradicted').length, 1)
  })
  test('callbacks for a payment that was not sent yet ask nobody', async () => {
    world.isCustodianAway = true
    const id = await world.accept('+46733201004')
    await world.merchant.receiveCallback(id, Buffer.from('{"status":"SUCCESSFUL"}'))
    await sleep(300)
    assert.equal((await world.stateOf(id)).status, 'accepted')
    world.isCustodianAway = false
    assert.equal((await world.ended(id))[0], 'succeeded')
  })

  const tampered: readonly [string, Partial<SealedPaymentOptions>, string, string?][] = [
    ['the amount differs', { sealed: { amount_minor: '501' } }, 'payment.mismatch', 'amount_minor'],
    ['the currency differs', { sealed: { currency: 'UGX' } }, 'payment.mismatch', 'currency'],
    ['the network differs', { sealed: { network: 'mtn-ug' } }, 'payment.mismatch', 'network'],
    ['the payee differs', { sealed: { payee: newId('merchant', base) } }, 'payment.mismatch', 'merchant'],
    ['the reference differs', { sealed: { reference: 'order-43' } }, 'payment.mismatch', 'reference'],
    ['the payer differs', { sealed: { payer: { phone: '+46733123498' } } }, 'payment.mismatch', 'payer_masked'],
    ['the currency is not the network\'s', { currency: 'UGX', sealed: { currency: 'UGX' } }, 'payment.mismatch', 'currency'],
    ['it was sealed for another payment', { context: { recordId: newId('payment', base) } }, 'payment.unopenable'],
    ['it was sealed for another table', { context: { table: 'callback_hints' } }, 'payment.unopenable'],
    ['it is an older version', { context: { version: 2 } }, 'payment.unopenable'],
    ['what was sealed is no payment', { sealed: { direction: 'donation' as 'payout' } }, 'payment.unopenable'],
  ]
  for (const [name, options, alarm, field] of tampered) {
    test(`${name}: an alarm, record_refused, and nothing is sent`, async () => {
      const id = await world.accept('+46733123499', options)
      assert.deepEqual(await world.ended(id), ['failed', 'record_refused'])
      const [event] = await world.database.asAdmin('SELECT severity, data FROM ngome.events WHERE type = $1 AND data->>\'payment\' = $2', [alarm, id])
      assert.equal(event?.['severity'], 'alarm')
      assert.deepEqual(event['data'], field === undefined ? { payment: id } : { payment: id, fields: [field] })
      assert.deepEqual(await world.chargesOf(id), [])
      assert(!(await world.eventsOf(id)).includes('payment.processing'))
    })
  }
  for (const reason of ['unsigned', 'unproven', 'caller_not_permitted', 'request_invalid', 'budget_spent']) {
    test(`a custodian that refuses the caller (${reason}): the payment waits as accepted`, async () => {
      world.refusal = reason
      const id = await world.accept('+46733202900')
      await sleep(400)
      assert.equal((await world.stateOf(id)).status, 'accepted')
      const [alarms] = await world.database.asAdmin('SELECT count(*)::int AS n FROM ngome.events WHERE type = \'custodian.budget_spent\' AND data->>\'purpose\' = \'dispatch\'')
      assert.deepEqual(alarms, { n: reason === 'budget_spent' ? 1 : 0 })
      world.refusal = undefined
      assert.equal((await world.ended(id))[0], 'succeeded')
      await world.assertTruth(id)
    })
  }
  test('a custodian that refuses the record, signed: the payment ends, and nothing is sent', async () => {
    world.refusal = 'record_refused'
    const id = await world.accept('+46733123499')
    assert.deepEqual(await world.ended(id), ['failed', 'record_refused'])
    world.refusal = undefined
    assert.deepEqual(await world.chargesOf(id), [])
  })
  test('a custodian that is away: payments wait as accepted, and are caught up with', async () => {
    world.isCustodianAway = true
    const ids = await Promise.all(Array.from({ length: 12 }, (_, at) => world.accept(`+467332020${String(at).padStart(2, '0')}`)))
    await sleep(700)
    for (const id of ids) assert.equal((await world.stateOf(id)).status, 'accepted')
    world.isCustodianAway = false
    for (const id of ids) {
      assert.equal((await world.ended(id))[0], 'succeeded')
      await world.assertTruth(id)
    }
  })
  test('a network that gives no token: payments wait as accepted', async () => {
    const other = await world.dispatcher()
    await world.simulator.script([{ on: 'token', do: { kind: 'answer', status: 503 } }])
    await world.stopWorkers()
    world.start(other)
    const id = await world.accept('+46733203001')
    await sleep(500)
    assert.equal((await world.stateOf(id)).status, 'accepted')
    await world.simulator.script([])
    assert.equal((await world.ended(id))[0], 'succeeded')
    await world.stopWorkers()
    other.egress.close()
    world.start(dispatcher)
  })
  test('a network that the configuration does not know any more: the payment waits, and the fault says so', async () => {
    const network = 'mtn-gone'
    const payment = await world.accept('+46733203003', { network, sealed: { network } })
    await assert.rejects(
      dispatchPayment(dispatcher, { ...world.merchant.tenant, payment }, new AbortController().signal),
      (error) => error instanceof Fault && error.code === 'provider/unavailable',
    )
    assert.equal((await world.stateOf(payment)).status, 'accepted')
  })
  test('an amount that somebody changed after the sending is an alarm, and is never booked', async () => {
    const id = await world.accept('+46733123453')
    await world.untilEvent(id, 'payment.processing')
    const change = (amountMinor: number): Promise<unknown> => world.database.asAdmin(
      `SET session_replication_role = replica; UPDATE ngome.payments SET amount_minor = ${amountMinor} WHERE id = '${id}'`)
    await change(5_000_000)
    await world.untilEvent(id, 'payment.mismatch')
    // MTN's own end of it comes after a second, and is not believed for this amount.
    await sleep(1_500)
    assert.equal((await world.stateOf(id)).status, 'in_doubt')
    await change(500)
    assert.deepEqual(await world.ended(id), ['failed', 'payer_timed_out'])
    await world.assertTruth(id)
  })
})

describe('a dispatcher that died', () => {
  let dispatcher: Dispatcher
  let db: Database
  before(async () => {
    dispatcher = await world.dispatcher()
    db = dispatcher.db
    await world.simulator.script([])
  })
  after(async () => {
    await world.stopWorkers()
    dispatcher.egress.close()
  })
  const prepare = (id: PaymentId, reference: string) =>
    prepareAttempt(db, world.merchant.tenant, id, { id: newId('attempt', base), reference, factsProof: systemRandom.bytes(32), atMs: Date.now() })
  const markSent = (payment: PaymentId, fence: number) => markAttemptSent(db, world.merchant.tenant, { payment, fence, atMs: Date.now() },
    emit(eventSource(dispatcher), 'payment.processing', world.merchant.tenant, { payment, status: 'processing' }), changeProver(dispatcher))

  test('after preparing: another goes on with the same reference', async () => {
    const reference = crypto.randomUUID()
    const id = await world.accept('+46733210001')
    await prepare(id, reference)
    world.start(dispatcher)
    assert.equal((await world.ended(id))[0], 'succeeded')
    await world.assertTruth(id)
    assert((await world.simulator.charges()).some((charge) => charge.reference === reference && charge.externalId === id))
  })
  test('after saying "sent", before the first byte: another asks, and sends the same reference after the settling time', async () => {
    await world.stopWorkers()
    const reference = crypto.randomUUID()
    const id = await world.accept('+46733210002')
    const attempt = await prepare(id, reference)
    assert.equal(await markSent(id, attempt?.fence ?? 0), 'marked')
    const sentAtMs = Date.now()
    world.start(dispatcher)
    assert.equal((await world.ended(id))[0], 'succeeded')
    await world.assertTruth(id)
    const charge = (await world.simulator.charges()).find(({ externalId }) => externalId === id) as { reference: string; takenAtMs: number } | undefined
    assert.equal(charge?.reference, reference)
    assert(charge.takenAtMs - sentAtMs >= timing.settleAfterMs)
  })
  test('ten takeovers are no sendings: the reference is sent again after one settling time', async () => {
    await world.stopWorkers()
    const id = await world.accept('+46733210005')
    for (let takeover = 1; takeover <= 5; takeover++) await prepare(id, crypto.randomUUID())
    assert.equal(await markSent(id, 5), 'marked')
    const sentAtMs = Date.now()
    for (let takeover = 6; takeover <= 10; takeover++) await prepare(id, crypto.randomUUID())
    world.start(dispatcher)
    assert.equal((await world.ended(id))[0], 'succeeded')
    await world.assertTruth(id)
    const charge = (await world.simulator.charges()).find(({ externalId }) => externalId === id) as { takenAtMs: number } | undefined
    assert(charge !== undefined && charge.takenAtMs - sentAtMs >= timing.settleAfterMs)
    assert(charge.takenAtMs - sentAtMs < 4 * timing.settleAfterMs, `sent again after ${charge.takenAtMs - sentAtMs} ms`)
  })
  test('whoever held an earlier fence can neither say "sent" nor end the payment', async () => {
    await world.stopWorkers()
    const id = await world.accept('+46733210003')
    const [first, second] = [await prepare(id, crypto.randomUUID()), await prepare(id, crypto.randomUUID())]
    assert.equal(first?.reference, second?.reference)
    assert.equal(await markSent(id, first?.fence ?? 0), 'superseded')
    const event = emit(eventSource(dispatcher), 'payment.failed', world.merchant.tenant, { payment: id, status: 'failed', failure: 'network_refused' })
    const outcome = { status: 'failed', failure: 'network_refused', networkReason: null } as const
    assert.equal(await recordOutcome(db, base, world.merchant.tenant, { payment: id, fence: first?.fence ?? 0, outcome, event, prove: () => null }), 'superseded')
    world.start(dispatcher)
    assert.equal((await world.ended(id))[0], 'succeeded')
    await world.assertTruth(id)
  })
  test('an end that comes after another took the attempt over leaves the payment open, to be asked about again', async () => {
    await world.stopWorkers()
    const id = await world.accept('+46733210004')
    const attempt = await prepare(id, crypto.randomUUID())
    await markSent(id, attempt?.fence ?? 0)
    const network = dispatcher.networks.get('mtn-sandbox')
    assert(network !== undefined)
    for (const answer of [{ kind: 'failed', failure: 'payer_refused', reason: 'x' }, { kind: 'succeeded', networkReference: null }] as const) {
      const connector = { ...network.connector, enquire: async () => {
        await prepare(id, crypto.randomUUID())
        return answer
      } }
      const overtaken = { ...dispatcher, networks: new Map([['mtn-sandbox', { ...network, connector }]]) }
      const settlement = await settlePayment(overtaken, world.merchant.tenant, id, new AbortController().signal)
      assert.equal(settlement.kind, 'open')
      assert.equal((await world.stateOf(id)).status, 'processing')
    }
    world.start(dispatcher)
    assert.equal((await world.ended(id))[0], 'succeeded')
    await world.assertTruth(id)
  })
})

test('three dispatchers and ten jobs for each payment: one charge', async () => {
  await world.simulator.script([{ on: 'request', do: { kind: 'take_and_answer', status: 500 }, share: 0.5 }])
  const dispatchers = await Promise.all([world.dispatcher(), world.dispatcher(), world.dispatcher()])
  const { tenant } = world.merchant
  const ids = await Promise.all(Array.from({ length: 10 }, (_, at) => world.accept(`+4673322000${at}`)))
  const db = world.database.open('ngome_dispatcher')
  await inTenant(db, tenant, async (tx) => {
    for (const payment of ids) for (let copy = 0; copy < 10; copy++) await enqueue(tx, 'payment-dispatch', { ...tenant, payment })
  })
  for (const dispatcher of dispatchers) world.start(dispatcher)
  for (const id of ids) {
    const ended = await world.ended(id)
    await world.assertTruth(id)
    assert.deepEqual(ended, ['succeeded', null])
    const events = await world.eventsOf(id)
    assert.equal(events.filter((type) => type === 'payment.processing').length, 1)
    assert.equal(events.filter((type) => type === 'payment.succeeded').length, 1)
  }
  await world.stopWorkers()
  for (const { egress } of dispatchers) egress.close()
})

const seed = Number(process.env['NGOME_TEST_SEED'] ?? 20_261_122)
test(`forty payments under every manner at random, with the network killed twice, end in the truth (seed ${seed})`, async () => {
  await world.simulator.script([
    ...['answer', 'take_and_answer'].map((kind) => ({ on: 'request', do: { kind, status: 500 }, share: 0.15 })),
    ...['hang', 'take_and_hang'].map((kind) => ({ on: 'request', do: { kind }, share: 0.1 })),
    { on: 'request', do: { kind: 'answer_then_take', status: 503, delayMs: 300 }, share: 0.1 },
    { on: 'status', do: { kind: 'answer', status: 500 }, share: 0.2 },
    { on: 'status', do: { kind: 'not_found' }, share: 0.2 },
    { on: 'status', do: { kind: 'token_expired' }, share: 0.05 },
    { on: 'callback', do: { kind: 'lie' }, share: 0.3 },
    { on: 'callback', do: { kind: 'drop' }, share: 0.3 },
  ], seed)
  const dispatcher = await world.dispatcher()
  world.start(dispatcher)
  const ids: PaymentId[] = []
  for (let at = 0; at < 40; at++) ids.push(await world.accept(`+467331234${String((at * 7) % 100).padStart(2, '0')}`))
  for (let kill = 0; kill < 2; kill++) {
    await sleep(400)
    await world.simulator.kill()
    await world.simulator.restart()
  }
  for (const id of ids) {
    await world.ended(id, 60_000)
    await world.assertTruth(id)
  }
  const ledger = await checkLedger(world.database.open('ngome_auditor'))
  assert.deepEqual([ledger.wrong, ledger.misheld], [[], []])
  await world.stopWorkers()
  dispatcher.egress.close()
})

describe('webhooks', () => {
  let dispatcher: Dispatcher
  let endpoint: Awaited<ReturnType<SealingMerchant['addEndpoint']>>
  before(async () => {
    await world.simulator.script([])
    dispatcher = await world.dispatcher()
    endpoint = await world.merchant.addEndpoint(world.callbackSecret, `${world.webhookUrl}/hooks`)
    world.start(dispatcher)
  })
  after(async () => {
    await world.stopWorkers()
    dispatcher.egress.close()
  })
  beforeEach(() => {
    world.received.length = 0
    world.answers.length = 0
  })
  const bodyOf = ({ body }: Received): { type: string; timestamp: string; data: unknown } => JSON.parse(body.toString()) as ReturnType<typeof bodyOf>

  /** Of each delivery of a payment: its state, why, and what came of each attempt. */
  const triesOf = async (id: PaymentId): Promise<unknown> => (await world.database.asAdmin(
    'SELECT state, reason, attempts FROM ngome.webhook_deliveries WHERE payment = $1 ORDER BY state', [id]))
    .map(({ state, reason, attempts }) => [state, reason, (attempts as WebhookAttempt[]).map((one) => `${one.reason} ${one.status}`)])

  const removeEndpoint = async (gone: WebhookEndpointId): Promise<void> => {
    const { tenant } = world.merchant
    const gateway = world.database.open('ngome_gateway', { poolMax: 1 })
    await deleteWebhookEndpoint(gateway, tenant, gone, emit({ ...base, process: 'gateway' }, 'webhook_endpoint.deleted', tenant, { endpoint: gone }))
  }

  test('a merchant is told, signed, with the payment masked', async () => {
    const id = await world.accept('+46733230001')
    await world.untilEvent(id, 'webhook.delivered')
    const [webhook] = world.received
    assert(webhook !== undefined && world.received.length === 1)
    const secret = parseWebhookSecret(endpoint.secret)
    assert(secret !== undefined)
    assert(verifyWebhook([secret], webhook.headers as Record<string, string>, webhook.body, systemClock) !== undefined)
    const { type, data } = bodyOf(webhook)
    const payment = paymentSchema.parse(data)
    assert.deepEqual([type, payment.id, payment.status, payment.amount, payment.payer.phone], ['payment.succeeded', id, 'succeeded', '5.00', '+46•••001'])
    assert(!webhook.body.includes('46733230001'))
  })
  test('a failure is told as well, with its code', async () => {
    await world.accept('+46733123451').then((id) => world.untilEvent(id, 'webhook.delivered'))
    const [webhook] = world.received
    assert(webhook !== undefined)
    assert.deepEqual([bodyOf(webhook).type, paymentSchema.parse(bodyOf(webhook).data).failure], ['payment.failed', { code: 'payer_refused' }])
  })
  test('an endpoint that fails is tried again with the same id and body, and a new signature', async () => {
    world.answers.push(500, 302)
    const id = await world.accept('+46733230003')
    await world.untilEvent(id, 'webhook.delivered')
    assert.equal(world.received.length, 3)
    assert.equal(new Set(world.received.map(({ headers }) => headers['webhook-id'])).size, 1)
    assert.equal(new Set(world.received.map(({ body }) => body.toString())).size, 1)
    // The redirect was not followed.
    assert.deepEqual(new Set(world.received.map(({ path }) => path)), new Set(['/hooks']))
    assert.deepEqual(await triesOf(id), [['delivered', 'accepted', ['refused 500', 'refused 302', 'accepted 200']]])
  })
  test('after the last try it is given up, with an event', async () => {
    world.answers.push(500, 404, 429, 500, 500)
    const id = await world.accept('+46733230004')
    await world.untilEvent(id, 'webhook.given_up')
    assert.equal(world.received.length, 3)
  })
  test('a custodian that is away delays it, and a secret that does not open gives it up', async () => {
    const id = await world.accept('+46733230005')
    await world.ended(id)
    world.refusal = 'record_refused'
    const other = await world.accept('+46733230006')
    await world.untilEvent(id, 'webhook.delivered').catch(() => undefined)
    assert.deepEqual(await world.ended(other), ['failed', 'record_refused'])
    await world.untilEvent(other, 'webhook.given_up')
    world.refusal = undefined
  })
  test('an address that the egress guard refuses is never called, and given up', async () => {
    const forbidden = await world.merchant.addEndpoint(world.callbackSecret, `${world.simulator.url}/simulator/script`)
    const id = await world.accept('+46733230007')
    await world.untilEvent(id, 'webhook.delivered')
    await world.untilEvent(id, 'webhook.given_up')
    assert.deepEqual(await triesOf(id), [
      ['delivered', 'accepted', ['accepted 200']], ['given_up', 'not_reached', ['not_reached null', 'not_reached null', 'not_reached null']],
    ], 'a merchant is not told why nothing was reached')
    for (const gone of [forbidden.id, endpoint.id]) await removeEndpoint(gone)
  })
  const asOwner = (sql: string): Promise<unknown> => world.database.asAdmin(`SET session_replication_role = replica; ${sql}`)
  const expectUntold = async (id: PaymentId): Promise<void> => {
    await world.untilEvent(id, 'webhook.given_up')
    const [alarm] = await world.database.asAdmin(
      'SELECT severity, data FROM ngome.events WHERE type = \'payment.mismatch\' AND data->>\'payment\' = $1', [id])
    assert.deepEqual(alarm, { severity: 'alarm', data: { payment: id, fields: ['webhook'] } })
  }
  const changes = [
    'payments SET reference = \'order-43\' WHERE id', 'payments SET amount_minor = 5000000 WHERE id', 'payments SET payer_masked = \'+46•••498\' WHERE id',
    'object_events SET facts = \'{"status":"succeeded","failure":null}\', type = \'payment.succeeded\' WHERE object',
    'object_events SET sequence = sequence + 6 WHERE object',
  ]
  for (const [at, change] of changes.entries()) {
    test(`the tables' owner makes it ${change} after the end: the next try is an alarm and not sent`, async () => {
      const { id: endpointId } = await world.merchant.addEndpoint(world.callbackSecret, `${world.webhookUrl}/owner/${at}`)
      let id: PaymentId
      // On a slow machine its last try may be over before the owner comes: then there is nothing to see, and another payment's turn.
      for (let tries = 1; ; tries++) {
        world.answers.push(...Array.from({ length: 10 }, () => 500))
        id = await world.accept('+46733123451')
        await world.ended(id)
        await asOwner(`UPDATE ngome.${change} = '${id}'`)
        await world.untilEvent(id, 'webhook.given_up')
        const alarms = await world.database.asAdmin('SELECT FROM ngome.events WHERE type = \'payment.mismatch\' AND data->>\'payment\' = $1', [id])
        if (alarms.length > 0 || tries === 10) break
      }
      await expectUntold(id)
      assert(!world.received.some(({ body }) => /order-43|50000\.00|succeeded|•498|"sequence":[^1-3]/.test(body.toString())))
      await removeEndpoint(endpointId)
    })
  }
  test('the tables\' owner changes the reference between the sending and the end: nothing is told', async () => {
    const { id: endpointId } = await world.merchant.addEndpoint(world.callbackSecret, `${world.webhookUrl}/owner`)
    const id = await world.accept('+46733123453')
    await world.untilEvent(id, 'payment.processing')
    await asOwner(`UPDATE ngome.payments SET reference = 'order-43' WHERE id = '${id}'`)
    assert.deepEqual(await world.ended(id), ['failed', 'payer_timed_out'])
    await expectUntold(id)
    assert.deepEqual(world.received, [])
    await removeEndpoint(endpointId)
  })
  test('the tables\' owner makes up a delivery, with another\'s proof: nothing is told', async () => {
    const { id: endpointId } = await world.merchant.addEndpoint(world.callbackSecret, `${world.webhookUrl}/owner`)
    const real = await world.accept('+46733230010')
    await world.untilEvent(real, 'webhook.delivered')
    const id = await world.accept('+46733123451')
    await world.untilEvent(id, 'webhook.delivered')
    world.received.length = 0
    const delivery = newId('webhookDelivery', base)
    const event = newId('event', base)
    await asOwner(`UPDATE ngome.payments SET status = 'succeeded', failure = NULL WHERE id = '${id}';
      INSERT INTO ngome.object_events (merchant, world, object, sequence, id, type, at, facts, position, proof)
      SELECT merchant, world, '${id}', 9, '${event}', type, at, facts, position, proof FROM ngome.object_events WHERE object = '${real}' AND sequence = 3;
      INSERT INTO ngome.webhook_deliveries (id, merchant, world, endpoint, payment, object, sequence, event, event_type, event_at, state, created_at)
      SELECT '${delivery}', merchant, world, endpoint, '${id}', '${id}', 9, '${event}', event_type, event_at, 'pending', now()
      FROM ngome.webhook_deliveries WHERE payment = '${real}' LIMIT 1`)
    const { tenant } = world.merchant
    await inTenant(dispatcher.db, tenant, (tx) => enqueue(tx, 'webhook-deliver', { ...tenant, delivery }))
    await expectUntold(id)
    assert.deepEqual(world.received, [])
    await removeEndpoint(endpointId)
  })
  test('an endpoint that is to be told encrypted waits without a key, is told of it once, and gets what its key opens', async () => {
    const pair = generateKeyPairSync('rsa', { modulusLength: 3_072 })
    const { id: endpointId, secret: text } = await world.merchant.addEndpoint(world.callbackSecret, `${world.webhookUrl}/encrypted`, 'required')
    const id = await world.accept('+46733230012')
    await world.ended(id)
    const told = (type: string): Promise<readonly unknown[]> => world.database.asAdmin(
      `SELECT severity, data->>'reason' AS reason FROM ngome.events WHERE type = '${type}' AND data->>'endpoint' = $1`, [endpointId])
    while ((await told('webhook_endpoint.held')).length === 0) await sleep(40)
    await sleep(300)
    assert.deepEqual(await told('webhook_endpoint.held'), [{ severity: 'warning', reason: 'encryption_key_missing' }])
    assert(!world.received.some(({ path }) => path === '/encrypted'), 'nothing is sent in its place')
    await world.addEncryptionKey(pair.publicKey)
    await world.untilEvent(id, 'webhook.delivered')
    const webhook = world.received.find(({ path }) => path === '/encrypted')
    assert(webhook !== undefined)
    assert.equal(webhook.headers['content-type'], 'application/jose')
    assert(!webhook.body.includes(id) && !webhook.body.includes(Buffer.from(id).toString('base64url').slice(2, -2)))
    const secret = parseWebhookSecret(text)
    assert(secret !== undefined && verifyWebhook([secret], webhook.headers as Record<string, string>, webhook.body, systemClock) !== undefined)
    const { plaintext } = await compactDecrypt(webhook.body.toString(), pair.privateKey)
    assert.equal(paymentSchema.parse((JSON.parse(Buffer.from(plaintext).toString()) as { data: unknown }).data).id, id)
    const shown = (): Promise<unknown> => world.database.asAdmin('SELECT held_because FROM ngome.webhook_endpoints WHERE id = $1', [endpointId])
    assert.deepEqual(await shown(), [{ held_because: null }])

    world.received.length = 0
    await asOwner(`UPDATE ngome.webhook_endpoints SET encryption = 'none' WHERE id = '${endpointId}'`)
    const other = await world.accept('+46733230013')
    await world.ended(other)
    while ((await told('webhook_endpoint.unproven')).length === 0) await sleep(40)
    assert.deepEqual(await told('webhook_endpoint.unproven'), [{ severity: 'alarm', reason: null }])
    assert(!world.received.some(({ path }) => path === '/encrypted'), 'who owns the table has nothing sent in clear')
    await removeEndpoint(endpointId)
    await world.untilEvent(other, 'webhook.given_up')
  })
  describe('while a secret takes over from another', () => {
    let rolled: Awaited<ReturnType<SealingMerchant['addEndpoint']>>
    let next: Secret<string>
    before(async () => {
      await removeEndpoint(endpoint.id)
      rolled = await world.merchant.addEndpoint(world.callbackSecret, `${world.webhookUrl}/rolled`)
      next = await world.merchant.replaceSecret(rolled.id, 2, systemClock.nowMs() + 3_600_000)
    })
    after(async () => {
      await removeEndpoint(rolled.id)
      endpoint = await world.merchant.addEndpoint(world.callbackSecret, `${world.webhookUrl}/hooks`)
    })

    /** Which of these secrets verify the webhook, and how many signatures it has. */
    const signedBy = ({ headers, body }: Received, secrets: readonly Secret<string>[]): unknown => {
      const verified = secrets.map((text) => {
        const secret = parseWebhookSecret(text)
        return secret !== undefined && verifyWebhook([secret], headers as Record<string, string>, body, systemClock) !== undefined
      })
      return [verified, String(headers['webhook-signature']).split(' ').length]
    }
    const delivered = async (): Promise<Received> => {
      await world.accept('+46733230011').then((id) => world.untilEvent(id, 'webhook.delivered'))
      const [webhook] = world.received
      assert(webhook !== undefined && world.received.length === 1)
      return webhook
    }

    test('both sign, the new one first', async () => {
      const webhook = await delivered()
      assert.deepEqual(signedBy(webhook, [next, rolled.secret]), [[true, true], 2])
      const first = { ...webhook, headers: { ...webhook.headers, 'webhook-signature': String(webhook.headers['webhook-signature']).split(' ')[0] } }
      assert.deepEqual(signedBy(first, [next, rolled.secret]), [[true, false], 1])
    })
    test('the tables\' owner gives the new version the old one\'s row: it does not open, and only the old one signs', async () => {
      const replaced = (sealed: string): Promise<unknown> =>
        asOwner(`UPDATE ngome.webhook_secrets SET sealed = ${sealed} WHERE endpoint = '${rolled.id}' AND version = 2`)
      const [row] = await world.database.asAdmin('SELECT encode(sealed, \'hex\') AS sealed FROM ngome.webhook_secrets WHERE endpoint = $1 AND version = 2', [rolled.id])
      await replaced(`(SELECT sealed FROM ngome.webhook_secrets WHERE endpoint = '${rolled.id}' AND version = 1)`)
      assert.deepEqual(signedBy(await delivered(), [next, rolled.secret]), [[false, true], 1])
      await replaced(`decode('${String(row?.['sealed'])}', 'hex')`)
    })
    test('past its end the old one signs no more, removed or not', async () => {
      const newest = await world.merchant.replaceSecret(rolled.id, 3, systemClock.nowMs())
      const rows = await world.database.asAdmin('SELECT version FROM ngome.webhook_secrets WHERE endpoint = $1 ORDER BY version', [rolled.id])
      assert.deepEqual(rows, [{ version: 2 }, { version: 3 }])
      assert.deepEqual(signedBy(await delivered(), [newest, next, rolled.secret]), [[true, false, false], 1])
    })
    test('the operator is reminded of an old one, once', async () => {
      const reminders = (): Promise<unknown> => world.database.asAdmin(
        'SELECT severity, data FROM ngome.events WHERE type = \'webhook_endpoint.secret_due\' AND data->>\'endpoint\' = $1', [rolled.id])
      const remind = (ageMs: number): Promise<void> => remindOfOldSecrets(dispatcher, ageMs, new AbortController().signal)
      await remind(3_600_000)
      assert.deepEqual(await reminders(), [])
      await remind(0)
      await remind(0)
      assert.deepEqual(await reminders(), [{ severity: 'notice', data: { endpoint: rolled.id, version: 3 } }])
    })
  })
  test('a hundred to endpoints that hang hold up no other merchant\'s', async () => {
    const slow = await SealingMerchant.create(world.database)
    world.others.push(slow)
    for (let at = 0; at < 10; at++) await slow.addEndpoint(world.callbackSecret, `${world.webhookUrl}/hang/${at}`)
    for (let at = 0; at < 10; at++) await world.ended(await slow.accept({ phone: `+4673323010${at}` }))
    const [row] = await world.database.asAdmin('SELECT count(*)::int AS n FROM ngome.webhook_deliveries WHERE merchant = $1', [slow.tenant.merchant])
    assert.deepEqual(row, { n: 100 })
    await world.merchant.addEndpoint(world.callbackSecret, `${world.webhookUrl}/hooks`)
    const id = await world.accept('+46733230009')
    await world.ended(id)
    const endedAtMs = Date.now()
    await world.untilEvent(id, 'webhook.delivered')
    assert(Date.now() - endedAtMs < 2_000, `waited ${Date.now() - endedAtMs} ms`)
  })
})
