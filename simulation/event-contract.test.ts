import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { emit } from '@ngome/contracts'
import { newId, systemClock, systemRandom, type PaymentId, type Tenant, type WebhookDeliveryId, type WebhookEndpointId } from '@ngome/kernel'
import { postgresEvents, postgresPayments, replayPauseMs, type Delivery, type EventStore, type PaymentStore } from '@ngome/store'
import { addTestMerchant, testAcceptance, testDatabase, type TestDatabase, type TestMerchant } from '@ngome/testkit'
import type { Job } from './memory/memory-payments.ts'
import { MemoryPayments } from './memory/memory-payments.ts'
import { memoryEventStore } from './memory/memory-event-store.ts'
import { memoryStore } from './memory/memory-store.ts'
import type { NewEndpoint } from './memory/memory-webhooks.ts'
import { addPostgresEndpoint, takeCommitted } from './postgres/simulated-postgres.ts'

type Subject = {
  readonly payments: PaymentStore
  readonly gateway: EventStore
  readonly dispatcher: EventStore
  readonly addMerchant: () => Promise<TestMerchant>
  readonly addEndpoint: (endpoint: NewEndpoint) => Promise<void>
  /** What was committed since. */
  readonly takeJobs: () => Promise<readonly Job[]>
}

const from = { clock: systemClock, random: systemRandom }
let database: TestDatabase
const subjects: Record<string, Subject> = {}

before(async () => {
  database = await testDatabase()
  const gateway = database.open('ngome_gateway')
  subjects['PostgreSQL'] = {
    payments: postgresPayments(gateway), gateway: postgresEvents(gateway), dispatcher: postgresEvents(database.open('ngome_dispatcher')),
    addMerchant: () => addTestMerchant(database), addEndpoint: (endpoint) => addPostgresEndpoint(gateway, endpoint), takeJobs: () => takeCommitted(database),
  }
  const memory = new MemoryPayments()
  const [payments, events] = [memoryStore(memory), memoryEventStore(memory)]
  const jobs: Job[] = []
  memory.onJob = (job) => void jobs.push(job)
  subjects['memory'] = {
    payments, gateway: events, dispatcher: events, addEndpoint: async (endpoint) => memory.webhooks.add(endpoint), takeJobs: async () => jobs.splice(0),
    addMerchant: async () => {
      const merchant: TestMerchant = { tenant: { merchant: newId('merchant', from), world: 'test' }, dataKey: newId('dataKey', from) }
      await payments.insertDataKey({ id: merchant.dataKey, tenant: merchant.tenant, retention: 'payment', sealed: systemRandom.bytes(1_200), createdAtMs: systemClock.nowMs() })
      return merchant
    },
  }
})
after(() => database.close())

type Result = Parameters<EventStore['recordDeliveryResult']>[2]
const attempt = { status: 204, reason: 'accepted', ms: 5 } as const
const failed = { status: 503, reason: 'refused', ms: 5 } as const
const rules: Parameters<EventStore['recordDeliveryResult']>[4] = {
  warnAfterMs: Infinity, disableAfterMs: Infinity, disableAfterTries: Infinity, event: () => assert.fail(), prove: () => null,
}

/** A merchant with one endpoint, and what the dispatcher does for it. */
class Case {
  readonly store: Subject
  readonly merchant: TestMerchant
  readonly endpoint: WebhookEndpointId
  #nowMs = systemClock.nowMs()

  private constructor(store: Subject, merchant: TestMerchant, endpoint: WebhookEndpointId) {
    this.store = store
    this.merchant = merchant
    this.endpoint = endpoint
  }

  static async of(name: string): Promise<Case> {
    const store = subjects[name] ?? assert.fail(name)
    const merchant = await store.addMerchant()
    const id = newId('webhookEndpoint', from)
    const createdAtMs = systemClock.nowMs()
    await store.addEndpoint({
      id, tenant: merchant.tenant, url: 'https://merchant.example/hooks', eventTypes: ['payment.accepted', 'payment.cancelled'], createdAtMs, termsProof: systemRandom.bytes(32),
      secret: { version: 1, sealed: systemRandom.bytes(90), dataKey: { id: merchant.dataKey, sealed: new Uint8Array(), createdAtMs }, endsAtMs: null },
    })
    await store.takeJobs()
    return new Case(store, merchant, id)
  }

  get tenant(): Tenant {
    return this.merchant.tenant
  }

  /** A payment that was accepted and cancelled. @returns its deliveries, in order */
  async change(): Promise<readonly WebhookDeliveryId[]> {
    const acceptance = testAcceptance(this.merchant)
    assert.equal((await this.store.payments.acceptPayment(acceptance)).kind, 'accepted')
    const payment: PaymentId = acceptance.payment.id
    const event = emit({ ...from, process: 'gateway' }, 'payment.cancelled', this.tenant, { payment, status: 'cancelled' })
    await this.store.payments.withdrawPayment(this.tenant, { payment, to: { status: 'cancelled' }, atMs: systemClock.nowMs(), event, prove: () => null })
    const told = await Promise.all((await this.due()).map((id) => this.load(id)))
    return told.toSorted((one, other) => sequenceOf(one) - sequenceOf(other)).map(({ id }) => id)
  }

  /** Deliveries that there is a job of since this was last asked. */
  async due(): Promise<readonly WebhookDeliveryId[]> {
    return (await this.store.takeJobs()).flatMap((job) => job.queue === 'webhook-deliver' && job.data.endpoint === this.endpoint ? [job.data.delivery] : [])
  }

  async load(id: WebhookDeliveryId): Promise<Delivery> {
    return await this.store.dispatcher.loadDelivery(this.tenant, id) ?? assert.fail(`no ${id}`)
  }

  record(seen: Delivery, result: Result): Promise<'recorded' | 'superseded'> {
    this.#nowMs += 1
    return this.store.dispatcher.recordDeliveryResult(this.tenant, seen, result, this.#nowMs, rules)
  }

  async tell(id: WebhookDeliveryId): Promise<'recorded' | 'superseded'> {
    return this.record(await this.load(id), this.delivered(id))
  }

  async giveUp(id: WebhookDeliveryId): Promise<'recorded' | 'superseded'> {
    const event = emit({ ...from, process: 'dispatcher' }, 'webhook.given_up', this.tenant, { delivery: id, payment: null })
    return this.record(await this.load(id), { kind: 'given_up', attempt: failed, reason: 'refused', event })
  }

  delivered(id: WebhookDeliveryId): Result {
    return { kind: 'delivered', attempt, event: emit({ ...from, process: 'dispatcher' }, 'webhook.delivered', this.tenant, { delivery: id, payment: null }) }
  }

  replay(ids: readonly WebhookDeliveryId[], afterMs: number, key = systemRandom.bytes(32)): Promise<{ readonly kind: string }> {
    return this.store.gateway.replayDeliveries({
      tenant: this.tenant, endpoint: this.endpoint, ids, atMs: this.#nowMs + afterMs,
      event: emit({ ...from, process: 'gateway' }, 'webhook_endpoint.replayed', this.tenant, { endpoint: this.endpoint, deliveries: ids.length }),
      idempotency: { keyHash: key, fingerprint: key, answer: { status: 202, body: '{}' } },
    })
  }

  async replayable(state: 'given_up' | null, afterMs: number): Promise<readonly WebhookDeliveryId[]> {
    const { deliveries } = await this.store.gateway.findReplayable(this.tenant, this.endpoint, { sinceMs: this.#nowMs - 3_600_000, state, nowMs: this.#nowMs + afterMs })
    return deliveries.map(({ id }) => id)
  }
}

function sequenceOf({ told }: Delivery): number {
  return told?.event.sequence ?? assert.fail()
}

/** What a store of events promises, with what must come of it. */
const contract: Readonly<Record<string, (it: Case) => Promise<void>>> = {
  'each change is to be told once, by a job of its own, in its object\'s order': async (it) => {
    const [first = assert.fail(), second = assert.fail(), ...others] = await it.change()
    assert.deepEqual([others, await it.due()], [[], []])
    assert.deepEqual([(await it.load(first)).told?.event.type, (await it.load(second)).told?.event.type], ['payment.accepted', 'payment.cancelled'])
    const turn = (id: WebhookDeliveryId) => it.store.dispatcher.waitForTurn(it.tenant, id)
    assert.deepEqual([await turn(second), await turn(first)], ['later', 'now'])
    assert.deepEqual([await it.tell(first), await it.due(), await turn(second)], ['recorded', [second], 'now'])
    assert.deepEqual([await it.tell(second), await it.tell(second), await it.due()], ['recorded', 'superseded', []])
  },
  'one that did not wait gets no second job; one that was given up gives its turn as well': async (it) => {
    const [first = assert.fail(), second = assert.fail()] = await it.change()
    assert.deepEqual([await it.giveUp(first), await it.due()], ['recorded', []])
    assert.equal(await it.store.dispatcher.waitForTurn(it.tenant, second), 'now')
  },
  'jobs of one try plan one next try; what arrived counts for either': async (it) => {
    const [id = assert.fail()] = await it.change()
    const seen = await it.load(id)
    const retry: Result = { kind: 'retry', attempt: failed, afterMs: 5_000 }
    assert.deepEqual([await it.record(seen, retry), await it.record(seen, retry), await it.due()], ['recorded', 'superseded', [id]])
    const { tries, triedSinceMs, nextTryAtMs, state } = await it.load(id)
    assert.deepEqual([tries, (nextTryAtMs ?? 0) - (triedSinceMs ?? 0), state], [1, 5_000, 'pending'])
    assert.equal(await it.record(seen, it.delivered(id)), 'recorded')
    assert.equal((await it.load(id)).state, 'delivered')
  },
  'what was given up is told again from the start, once for a key and after a pause': async (it) => {
    const [first = assert.fail(), second = assert.fail()] = await it.change()
    await it.giveUp(first)
    await it.tell(second)
    assert.deepEqual([await it.replayable('given_up', 0), new Set(await it.replayable(null, 0))], [[first], new Set([first, second])])
    const key = systemRandom.bytes(32)
    assert.deepEqual([(await it.replay([first], 0, key)).kind, (await it.replay([first], 0, key)).kind, await it.due()], ['accepted', 'replay', [first]])
    const { state, tries, triedSinceMs, nextTryAtMs } = await it.load(first)
    assert.deepEqual([state, tries, triedSinceMs, nextTryAtMs, await it.replayable('given_up', 0)], ['pending', 0, null, null, []])
    assert.deepEqual([(await it.replay([first], replayPauseMs)).kind, await it.due()], ['accepted', []])
    await it.giveUp(first)
    assert.deepEqual([await it.replayable('given_up', 0), await it.replayable('given_up', replayPauseMs + 1)], [[], [first]])
    assert.deepEqual([(await it.replay([first], 0)).kind, await it.due()], ['accepted', []])
    assert.deepEqual([(await it.replay([first, second], replayPauseMs + 1)).kind, new Set(await it.due())], ['accepted', new Set([first, second])])
  },
  'an answer of a replay is its tenant\'s, and found by its key alone': async (it) => {
    const [id = assert.fail()] = await it.change()
    await it.giveUp(id)
    const key = systemRandom.bytes(32)
    const find = (tenant: Tenant, fingerprint: Uint8Array) => it.store.gateway.findAnswer(tenant, { keyHash: key, fingerprint })
    assert.equal((await find(it.tenant, key)).kind, 'in_flight')
    await it.replay([id], 0, key)
    assert.deepEqual(await find(it.tenant, key), { kind: 'replay', status: 202, body: '{}' })
    assert.equal((await find(it.tenant, systemRandom.bytes(32))).kind, 'key_reused')
    assert.equal((await find({ ...it.tenant, world: 'live' }, key)).kind, 'in_flight')
  },
  'an endpoint and what it is told are another tenant\'s business nowhere': async (it) => {
    const [id = assert.fail()] = await it.change()
    const live: Tenant = { ...it.tenant, world: 'live' }
    assert.equal((await it.store.gateway.findWebhookEndpoint(it.tenant, it.endpoint))?.disabled, null)
    assert.equal(await it.store.gateway.findWebhookEndpoint(live, it.endpoint), undefined)
    assert.equal(await it.store.dispatcher.loadDelivery(live, id), undefined)
    assert.deepEqual((await it.store.gateway.findReplayable(live, it.endpoint, { sinceMs: 0, state: null, nowMs: systemClock.nowMs() })).deliveries, [])
  },
  'the list has every change once, in the order of each object, from any place': async (it) => {
    await it.change()
    await it.change()
    const page = { type: null, object: null, limit: 3 }
    const list = async (after: Parameters<EventStore['listObjectEvents']>[1]['after']) => it.store.gateway.listObjectEvents(it.tenant, { ...page, after })
    const first = await list(null)
    const rest = await list(first.at(-1)?.position ?? assert.fail())
    assert.deepEqual([...first, ...rest].map(({ event }) => event.sequence), [1, 2, 1, 2])
    assert.equal(new Set([...first, ...rest].map(({ event }) => event.id)).size, 4)
    assert.deepEqual(await it.store.gateway.listObjectEvents({ ...it.tenant, world: 'live' }, { ...page, after: null }), [])
  },
}

for (const name of ['memory', 'PostgreSQL']) {
  describe(`events in ${name}`, () => {
    for (const [claim, holds] of Object.entries(contract)) test(claim, async () => holds(await Case.of(name)))
  })
}
