import { generateKeyPairSync } from 'node:crypto'
import { objectEventTypes } from '@ngome/contracts'
import { sealRecord, type DataKey } from '@ngome/envelope'
import { newId, Secret, type Clock, type Currency, type PayoutBatchId, type Random, type Tenant } from '@ngome/kernel'
import type { ApprovalRules } from '@ngome/payments'
import { configSchema } from '@ngome/runtime'
import { newWebhookSecret, parseWebhookSecret, proveWebhookTerms, signMerchantKey, type MerchantKey } from '@ngome/signatures'
import type { BatchStanding, BatchStore, EventStore, PaymentStore } from '@ngome/store'
import type { Network } from '../services/dispatcher/dispatcher.ts'
import { brokenBatches, countBatches } from './batch-claims.ts'
import type { Books, FinalBatch, FinalPayment } from './books.ts'
import { Chance } from './chance.ts'
import { brokenClaims } from './claims.ts'
import { brokenTelling } from './event-claims.ts'
import type { Faults } from './faults.ts'
import { JobQueue, type Worker } from './job-queue.ts'
import { Machine, type MachinePorts } from './machine.ts'
import type { Market } from './market.ts'
import type { NewEndpoint } from './memory/memory-webhooks.ts'
import type { Job } from './memory/memory-payments.ts'
import { approvalExpiresAfterMs, ModelApprover } from './model-approver.ts'
import { ModelBatcher } from './model-batcher.ts'
import { ModelClient, type ClientPorts, type MerchantKeys } from './model-client.ts'
import { ModelCustodian } from './model-custodian.ts'
import { modelDispatcher } from './model-dispatcher.ts'
import { ModelEndpoint } from './model-endpoint.ts'
import { ModelGateway } from './model-gateway.ts'
import { ModelMerchant, payoutFeeUnits } from './model-merchant.ts'
import { lateMsMax, ModelNetwork, type NetworkNature } from './model-network.ts'
import { ModelOperator } from './model-operator.ts'
import { ModelReader } from './model-reader.ts'
import { ModelReplayer } from './model-replayer.ts'
import { Scheduler } from './scheduler.ts'
import { nothingSeen, type Seen } from './seen.ts'

/** Where payments are kept in a run. */
export type SimulatedStore = {
  readonly gateway: PaymentStore
  readonly dispatcher: PaymentStore
  readonly events: { readonly gateway: EventStore; readonly dispatcher: EventStore }
  readonly batches: { readonly gateway: BatchStore; readonly dispatcher: BatchStore }
  readonly books: Books
  /** As a person has the dispatcher ask about a payment. */
  readonly recheck: (payment: FinalPayment) => Promise<void>
  /** Where endpoints are told; a run without it has none. */
  readonly addEndpoint?: (endpoint: NewEndpoint) => Promise<void>
  /** Calls with each job that was committed since, in the order of their commits. */
  readonly onJob: (take: (job: Job) => void) => void
  /** Whose time is the store's own. */
  readonly useClock: (clock: Clock) => void
  readonly addMerchant: (tenant: Tenant, dataKey: DataKey, keys: readonly StatedKey[]) => Promise<void>
}

/** A key that a merchant signs with, and the custodian's statement of it. */
export type StatedKey = { readonly key: MerchantKey; readonly proof: Uint8Array }

export type SimulationOptions = {
  readonly seed: number
  readonly store: SimulatedStore
  readonly faults: Faults
  readonly startMs: number
  /** Handlers and jobs that are to be run at least. */
  readonly operations: number
  /** Instead of orders: so many requests that all repeat a few orders with their keys, many at once. */
  readonly repetitions?: number
  /** How many of the orders are batches, from 0 to 1. */
  readonly batches?: number
  /** Of payouts over a limit, as gateways and dispatchers are configured; both as the run's claims have it, where they are honest. */
  readonly approvals?: { readonly gateway: ApprovalRules; readonly dispatcher: ApprovalRules }
  readonly tell?: (line: string) => void
}

export type SimulationReport = {
  readonly operations: number
  readonly requests: number
  readonly jobs: number
  readonly callbacks: number
  readonly payments: Readonly<Record<string, number>>
  readonly refusals: Readonly<Record<string, number>>
  /** Batches, by whether all of their rows came, and how many were approved, refused and cancelled. */
  readonly batches: Readonly<Record<string, number>>
  /** What was to be told to endpoints, by what became of it. */
  readonly told: Readonly<Record<string, number>>
  readonly crashes: number
  readonly simulatedMs: number
  /** What does not hold; empty where all does. */
  readonly broken: readonly string[]
}

const merchantsMax = 6
/** One of hundreds of deliveries is given up with its endpoint there. */
const replayTriesMax = 8
const clientsEach = 8
const processes = 2
const shareOfBatches = 0.07
const lookEveryMs = 10 * 60_000
/** Longer than any payment stays open without a person who is told. */
const settleMsMax = 7 * 24 * 3_600_000
/** Longer than anything waits for its next request or job: where none came for so long, none will. */
const quietMsMax = 6 * 3_600_000
/** Handlers and jobs that one order of a merchant comes to, about; more rounds follow where it was less. */
const operationsPerOrder = 10
/** Of those, with the webhooks of each of its changes. */
const operationsPerToldOrder = 20

const markets: readonly (Market & { readonly currency: Currency; readonly callingCode: string; readonly nature: NetworkNature; readonly configured: object })[] = [
  { network: 'mtn-ug', currency: 'UGX', digits: 0, callingCode: '256', phone: '+256772123456', nature: { isIdempotent: true, showsRefundsAsReversals: false }, configured: { connector: 'mtn-momo', targetEnvironment: 'mtnuganda' } },
  { network: 'mtn-ci', currency: 'XOF', digits: 0, callingCode: '225', phone: '+2250545123456', nature: { isIdempotent: false, showsRefundsAsReversals: false }, configured: { connector: 'mtn-momo', targetEnvironment: 'mtnivorycoast' } },
  { network: 'mtn-gh', currency: 'GHS', digits: 2, callingCode: '233', phone: '+233242123456', nature: { isIdempotent: true, showsRefundsAsReversals: false }, configured: { connector: 'mtn-momo', targetEnvironment: 'mtnghana' } },
  { network: 'airtel-ke', currency: 'KES', digits: 2, callingCode: '254', phone: '+254731123456', nature: { isIdempotent: false, showsRefundsAsReversals: true }, configured: { connector: 'airtel-money', airtel: { country: 'KE' } } },
]

/** Over so much a second person has to say so: about a third of all payouts. */
export const rules: ApprovalRules = { over: new Map(markets.map(({ currency }) => [currency, 35_000n])), expiresAfterMs: approvalExpiresAfterMs }

const timing = { settleAfterMs: lateMsMax + 5_000, enquiryIntervalMs: 2_000, giveUpAfterMs: 600_000, sendWithinMs: 30_000 }

/**
 * Runs merchants, gateways, dispatchers and networks on one clock, with the faults of the seed, until every order has its answer and every
 * payment its end or a person who was told; then holds the books against what the networks moved.
 */
export async function runSimulation(options: SimulationOptions): Promise<SimulationReport> {
  const world = new SimulatedWorld(options)
  await world.addMerchants()
  return world.run()
}

class SimulatedWorld {
  readonly #options: SimulationOptions
  readonly #scheduler: Scheduler
  readonly #chance: Chance
  readonly #custodian: ModelCustodian
  readonly #secret = new Secret(new Uint8Array(32).fill(7))
  readonly #dataKeys = new Map<string, DataKey>()
  readonly #merchants: ModelMerchant[] = []
  readonly #endpoints = new Map<string, { readonly merchant: string; readonly endpoint: ModelEndpoint; readonly reader: ModelReader; readonly replayer: ModelReplayer }>()
  readonly #clock: Clock = { nowMs: () => this.#scheduler.nowMs }
  readonly #networks: ReadonlyMap<string, ModelNetwork>
  readonly #gateways: { readonly machine: Machine; gateway: ModelGateway }[] = []
  readonly #dispatchers: { readonly machine: Machine; worker: Worker }[] = []
  readonly #queue: JobQueue
  readonly #seen: Seen = nothingSeen()
  readonly #operator: ModelOperator
  #callbacks = 0

  constructor(options: SimulationOptions) {
    this.#options = options
    this.#scheduler = new Scheduler(options.startMs)
    this.#chance = new Chance(options.seed)
    const from = { scheduler: this.#scheduler, chance: this.#chance, faults: options.faults }
    this.#custodian = new ModelCustodian(from)
    this.#networks = new Map(markets.map((market) => [
      market.network, new ModelNetwork(from, market.nature, (url, body) => this.#callBack(url, body)),
    ]))
    this.#operator = new ModelOperator(options.store, [...this.#networks.values()])
    this.#queue = new JobQueue(from, () => this.#dispatchers.filter(({ machine }) => machine.isUp).map(({ worker }) => worker))
    options.store.onJob((job) => this.#queue.add(job))
    options.store.useClock(this.#clock)
    for (let count = 0; count < processes; count++) this.#addProcesses(from)
  }

  #addProcesses(from: Omit<MachinePorts, 'clockJumpMsMax'>): void {
    const { store, approvals = { gateway: rules, dispatcher: rules } } = this.#options
    const networks = configuredNetworks()
    const gatewayOf = (machine: Machine): ModelGateway => new ModelGateway(machine, { payments: store.gateway, batches: store.batches.gateway, events: store.events.gateway }, {
      networks, secret: this.#secret, chance: this.#chance, approvals: approvals.gateway, dataKeyOf: (tenant) => this.#dataKeyOf(tenant),
    })
    const workerOf = (machine: Machine): Worker => modelDispatcher(machine, { payments: store.dispatcher, batches: store.batches.dispatcher, events: store.events.dispatcher }, {
      ...from, custodian: this.#custodian, statementKey: this.#custodian.statementKey, secret: this.#secret,
      approvals: approvals.dispatcher, endpointAt: (url) => this.#endpointAt(url), networksFor: (of) => this.#connect(of),
    })
    const gateway: { machine?: Machine; gateway?: ModelGateway } = {}
    gateway.machine = new Machine({ ...from, clockJumpMsMax: from.faults.clockJumpMsMax.gateway }, (machine) => { gateway.gateway = gatewayOf(machine) })
    this.#gateways.push(gateway as { machine: Machine; gateway: ModelGateway })
    const dispatcher: { machine?: Machine; worker?: Worker } = {}
    dispatcher.machine = new Machine({ ...from, clockJumpMsMax: from.faults.clockJumpMsMax.dispatcher }, (machine) => { dispatcher.worker = workerOf(machine) })
    this.#dispatchers.push(dispatcher as { machine: Machine; worker: Worker })
  }

  #connect(machine: Machine): ReadonlyMap<string, Network> {
    return new Map(markets.map(({ network, currency, callingCode }): [string, Network] => {
      const model = this.#networks.get(network)
      if (model === undefined) throw new TypeError(`no model of ${network}`)
      return [network, { connector: model.connectorFor(machine), provider: 'mtn-momo', world: 'test', currency, callingCode, ...timing }]
    }))
  }

  async addMerchants(): Promise<void> {
    const { store, faults } = this.#options
    const from = { clock: this.#clock, random: this.#chance.random }
    const ports: ClientPorts = { scheduler: this.#scheduler, chance: this.#chance, faults, seen: this.#seen, find: () => this.#findGateway() }
    for (let count = 0; count < merchantsMax; count++) {
      const tenant: Tenant = { merchant: newId('merchant', from), world: 'test' }
      const dataKey = await this.#custodian.addTenant(tenant, from)
      this.#dataKeys.set(tenant.merchant, dataKey)
      const [one, two] = [this.#makeKeys(tenant, from), this.#makeKeys(tenant, from)]
      await store.addMerchant(tenant, dataKey, [one.stated, two.stated])
      const [orderer, second] = [new ModelClient(ports, one.keys), new ModelClient(ports, two.keys)]
      const thieves = [{ ...one.keys, apiKey: two.keys.apiKey }, { ...two.keys, apiKey: one.keys.apiKey }, one.keys]
      const approver = new ModelApprover(ports, second, orderer, thieves.map((keys) => new ModelClient(ports, keys)))
      await this.#addEndpoint(tenant, dataKey, ports, orderer)
      this.#merchants.push(new ModelMerchant(ports, orderer, { approver, batcher: new ModelBatcher(ports, orderer, second, markets) }, markets))
    }
  }

  /** One that is told of every change, and who reads the list of them. */
  async #addEndpoint(tenant: Tenant, dataKey: DataKey, ports: ClientPorts, client: ModelClient): Promise<void> {
    const { addEndpoint } = this.#options.store
    if (addEndpoint === undefined || this.#options.repetitions !== undefined) return
    const from = { clock: this.#clock, random: this.#chance.random }
    const id = newId('webhookEndpoint', from)
    const text = newWebhookSecret(from.random)
    const secret = parseWebhookSecret(text)
    if (secret === undefined) throw new TypeError('no secret')
    const context = { tenant, table: 'webhook_endpoints', recordId: id, dataClass: 'restricted', version: 1 } as const
    const sealed = sealRecord(dataKey, context, text.expose((word) => Buffer.from(word, 'utf8')), from.random)
    const terms = { id, tenant, url: `https://${tenant.merchant}.example/hooks`, encryption: 'none', eventTypes: objectEventTypes } as const
    await addEndpoint({
      id, tenant, url: terms.url, eventTypes: terms.eventTypes, createdAtMs: this.#options.startMs, termsProof: proveWebhookTerms(this.#secret, terms),
      secret: { version: 1, sealed, dataKey: { id: dataKey.id, sealed: dataKey.sealed, createdAtMs: dataKey.createdAtMs }, endsAtMs: null },
    })
    this.#endpoints.set(terms.url, {
      merchant: tenant.merchant, endpoint: new ModelEndpoint(ports, secret), reader: new ModelReader(ports, client), replayer: new ModelReplayer(ports, client, id),
    })
  }

  /** An API key, and a key to sign with that the custodian states. */
  #makeKeys(tenant: Tenant, from: { readonly clock: Clock; readonly random: Random }): { readonly keys: MerchantKeys; readonly stated: StatedKey } {
    const { publicKey, privateKey } = generateKeyPairSync('ed25519')
    const key: MerchantKey = {
      id: newId('merchantSigningKey', from), tenant, algorithm: 'ed25519', uses: ['sign'], expiresAtMs: this.#options.startMs + 366 * 24 * 3_600_000,
      spki: publicKey.export({ format: 'der', type: 'spki' }),
    }
    const proof = signMerchantKey(key, this.#custodian.statementKeys.privateKey)
    return { keys: { tenant, apiKey: newId('apiKey', from), signing: { id: key.id, privateKey } }, stated: { key, proof } }
  }

  #endpointAt(url: string): ModelEndpoint {
    const found = this.#endpoints.get(url)
    if (found === undefined) throw new TypeError(`nobody is at ${url}`)
    return found.endpoint
  }

  #findGateway(): ReturnType<ClientPorts['find']> {
    const found = this.#pickUp(this.#gateways)
    return found === undefined ? undefined : { gateway: found.gateway, life: found.machine.life }
  }

  async run(): Promise<SimulationReport> {
    const { operations, repetitions, batches = shareOfBatches, tell = () => undefined } = this.#options
    if (repetitions !== undefined) {
      for (const merchant of this.#merchants) merchant.repeat(Math.ceil(repetitions / merchantsMax))
      await this.#untilSettled()
      return this.#report()
    }
    do {
      const perOrder = this.#endpoints.size > 0 ? operationsPerToldOrder : operationsPerOrder
      const orders = Math.max(1, Math.ceil((operations - this.#operations) / perOrder / (merchantsMax * clientsEach)))
      for (const merchant of this.#merchants) for (let count = 0; count < clientsEach; count++) merchant.work(orders, batches)
      await this.#untilSettled()
      tell(`${this.#operations} operations, ${Math.round((this.#scheduler.nowMs - this.#options.startMs) / 60_000)} simulated minutes`)
    } while (this.#operations < operations)
    await this.#replayTheDead()
    await this.#readToTheEnd()
    return this.#report()
  }

  /** What was given up is told again while each endpoint is there; some tries of that are lost too. */
  async #replayTheDead(): Promise<void> {
    const { books } = this.#options.store
    const hasDead = async (): Promise<boolean> => {
      const states = new Set((await books.deliveries()).map(({ state }) => state))
      return states.has('given_up') && !states.has('pending')
    }
    for (const { endpoint } of this.#endpoints.values()) endpoint.stay(true)
    for (let tries = 0; tries < replayTriesMax && await hasDead(); tries++) {
      for (const { replayer } of this.#endpoints.values()) replayer.finish()
      await this.#untilSettled()
    }
  }

  /** What a person was told of may still end by itself while the lists are read: then they are read again. */
  async #readToTheEnd(): Promise<void> {
    const changes = async (): Promise<number> => (await this.#options.store.books.payments()).reduce((sum, { told }) => sum + told.length, 0)
    for (let [before, now] = [-1, await changes()]; before !== now; [before, now] = [now, await changes()]) {
      for (const { reader } of this.#endpoints.values()) reader.finish()
      await this.#scheduler.run(() => this.#seen.clients === 0)
    }
  }

  get #operations(): number {
    return this.#seen.requests + this.#queue.worked + this.#callbacks
  }

  /** What grows as long as anything goes on, but for who only reads. */
  get #progress(): number {
    return this.#seen.acknowledged.size + this.#queue.worked + this.#callbacks
  }

  /** Until every order has its answer, and every payment its end or a person who was told. */
  async #untilSettled(): Promise<void> {
    const lastMs = this.#scheduler.nowMs + settleMsMax
    let last = { progress: this.#progress, atMs: this.#scheduler.nowMs }
    do {
      if (this.#progress > last.progress) last = { progress: this.#progress, atMs: this.#scheduler.nowMs }
      // What has not settled by then never will; the claims say what it is.
      if (this.#scheduler.nowMs > Math.min(lastMs, last.atMs + quietMsMax)) return
      const untilMs = this.#scheduler.nowMs + lookEveryMs
      const isMore = await this.#scheduler.run(() => this.#scheduler.nowMs >= untilMs)
      if (!isMore) return
    } while (await this.#isMore())
  }

  async #isMore(): Promise<boolean> {
    const { books } = this.#options.store
    const isUnread = await this.#operator.look(this.#scheduler.nowMs)
    return isUnread || this.#seen.clients > 0 || await books.openPayments() > 0 || (await books.deliveries()).some(({ state }) => state === 'pending')
  }

  async #report(): Promise<SimulationReport> {
    const { books } = this.#options.store
    const book = this.#operator.networkBook()
    const payments: Record<string, number> = {}
    for (const { direction, status } of await books.payments()) payments[`${direction} ${status}`] = (payments[`${direction} ${status}`] ?? 0) + 1
    const told: Record<string, number> = {}
    for (const { state } of await books.deliveries()) told[state] = (told[state] ?? 0) + 1
    return {
      operations: this.#operations, requests: this.#seen.requests, jobs: this.#queue.worked, callbacks: this.#callbacks, payments, batches: countBatches(await books.batches(), this.#seen), told,
      refusals: Object.fromEntries(this.#seen.refusals),
      crashes: [...this.#gateways, ...this.#dispatchers].reduce((sum, { machine }) => sum + machine.crashes, 0),
      simulatedMs: this.#scheduler.nowMs - this.#options.startMs,
      broken: [
        ...this.#seen.contradictions, ...this.#seen.clients > 0 ? [`${this.#seen.clients} clients never got an answer`] : [],
        ...await this.#brokenTelling(),
        ...await this.#brokenBatches(),
        ...await brokenClaims(books, book, this.#seenOfRows(await books.batches()), rules),
      ],
    }
  }

  async #brokenBatches(): Promise<readonly string[]> {
    const { books, batches: { gateway } } = this.#options.store
    const batches = await books.batches()
    const standings = new Map<PayoutBatchId, readonly BatchStanding[]>()
    for (const { id, merchant } of batches) standings.set(id, (await gateway.findPayoutBatchStanding({ merchant, world: 'test' }, id))?.standing ?? [])
    return brokenBatches(batches, await books.payments(), standings, this.#seen, rules)
  }

  /** Who decided about a batch decided about its rows. */
  #seenOfRows(batches: readonly FinalBatch[]): Seen {
    const withRows = (words: ReadonlySet<string>): Set<string> =>
      new Set([...words, ...batches.filter(({ id }) => words.has(id)).flatMap(({ rows }) => rows.map(({ payment }) => payment))])
    return { ...this.#seen, approved: withRows(this.#seen.approved), refused: withRows(this.#seen.refused) }
  }

  async #brokenTelling(): Promise<readonly string[]> {
    const { books } = this.#options.store
    const [payments, deliveries] = [await books.payments(), await books.deliveries()]
    return [...this.#endpoints.values()].flatMap(({ merchant, endpoint, reader }) => brokenTelling(payments, deliveries, { merchant, endpoint, listed: reader.listed }))
  }

  /** A network's callback reaches a gateway, or nobody. */
  async #callBack(url: string, body: Uint8Array): Promise<boolean> {
    const found = this.#pickUp(this.#gateways)
    if (found === undefined) return false
    this.#callbacks++
    const token = url.slice(url.lastIndexOf('/') + 1)
    const isTaken = this.#scheduler.waiting<boolean>({ isOver: false })
    this.#scheduler.start(0, found.machine.life, async () => {
      const answer = await found.gateway.callBack(token, body).catch(() => undefined)
      isTaken.bring(answer?.status === 202, 1)
    })
    this.#scheduler.after(10_000, { isOver: false }, () => isTaken.bring(false, 0))
    return isTaken.take()
  }

  #pickUp<P extends { readonly machine: Machine }>(all: readonly P[]): P | undefined {
    const up = all.filter(({ machine }) => machine.isUp)
    return up.length === 0 ? undefined : this.#chance.pick(up)
  }

  #dataKeyOf({ merchant }: Tenant): DataKey {
    const dataKey = this.#dataKeys.get(merchant)
    if (dataKey === undefined) throw new TypeError('a merchant without a data key')
    return dataKey
  }
}

/** The markets as an operator configures them. */
function configuredNetworks(): ReturnType<typeof configSchema.parse>['networks'] {
  const fees = { collection: { fixed: '0', basisPoints: 150, min: '0' }, payout: { fixed: `${payoutFeeUnits}`, basisPoints: 0, min: `${payoutFeeUnits}` } }
  return configSchema.parse({
    dataDir: '/nowhere',
    networks: Object.fromEntries(markets.map(({ network, currency, callingCode, configured }) => [network, {
      ...configured, world: 'test', currency, callingCode, directions: ['collection', 'payout', 'refund'], fees,
    }])),
  }).networks
}
