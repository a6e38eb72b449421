import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { ManualClock, newId, Secret, systemClock, systemRandom, type PaymentId } from '@ngome/kernel'
import { createMetrics } from '@ngome/runtime'
import { addNetworkMaintenance, findNetworkStanding, removeNetworkMaintenance, type Database, type NetworkMaintenance } from '@ngome/store'
import { emit } from '@ngome/contracts'
import { testDatabase, type TestDatabase } from '@ngome/testkit'
import { tooManyEnquiries } from '../connectors/pacer.ts'
import type { AskedPayment, EnquiryOutcome, PaymentNetwork, PaymentRequest, RequestOutcome } from '../connectors/payment-network.ts'
import type { Network } from '../dispatcher.ts'
import { failuresMin, pauseMinMs } from './circuit-breaker.ts'
import { NetworkWatch } from './network-watch.ts'

const from = { clock: systemClock, random: systemRandom }
const money = { amountMinor: 500n, currency: 'EUR' } as const
const asked = (payment: PaymentId = newId('payment', from)): AskedPayment => ({ direction: 'collection', reference: 'r', payment, money, original: null })
const requested = (mayLeave = true): PaymentRequest => ({
  ...asked(), phone: new Secret('+46733123499'), description: null, callbackUrl: 'https://localhost', beforeFirstByte: async () => mayLeave,
})

/** A network that does as it is told, behind its guard. */
class Scene {
  readonly clock = new ManualClock(systemClock.nowMs())
  readonly watch: NetworkWatch
  readonly guarded: PaymentNetwork
  ready: 'ready' | 'unavailable' = 'ready'
  sent: RequestOutcome = { kind: 'taken' }
  says: EnquiryOutcome = { kind: 'pending' }
  calls = 0

  constructor(configured: readonly NetworkMaintenance[] = []) {
    this.watch = new NetworkWatch({ clock: this.clock, random: systemRandom }, configured)
    const connector: PaymentNetwork = {
      directions: ['collection'],
      isIdempotent: true,
      prepare: async () => this.#called(this.ready),
      request: async ({ beforeFirstByte }) => {
        await beforeFirstByte()
        return this.#called(this.sent)
      },
      enquire: async () => this.#called(this.says),
      readCallback: () => undefined,
    }
    const network: Network = {
      connector, provider: 'mtn-momo', world: 'test', currency: 'EUR', callingCode: '46', settleAfterMs: 1, enquiryIntervalMs: 1, giveUpAfterMs: 2, sendWithinMs: 1,
    }
    this.guarded = this.watch.guard(new Map([['mtn-sandbox', network]])).get('mtn-sandbox')?.connector ?? assert.fail()
  }

  async fail(): Promise<void> {
    this.says = { kind: 'unknown', reason: '503' }
    for (let times = 0; times < failuresMin; times++) await this.guarded.enquire(asked())
    this.says = { kind: 'pending' }
  }

  #called<T>(outcome: T): T {
    this.calls++
    return outcome
  }
}

describe('a guarded network', () => {
  test('that is away is not asked: what is to be sent waits, and what was sent is not known about', async () => {
    const scene = new Scene()
    await scene.fail()
    const { calls } = scene
    assert.equal(await scene.guarded.prepare('collection'), 'unavailable')
    assert.equal((await scene.guarded.enquire(asked())).kind, 'unknown')
    assert.equal(scene.calls, calls)
  })
  test('is back by the word of the first who asks after the pause', async () => {
    const scene = new Scene()
    await scene.fail()
    scene.clock.advance(pauseMinMs)
    assert.equal((await scene.guarded.enquire(asked())).kind, 'pending')
    assert.equal(await scene.guarded.prepare('collection'), 'ready')
  })
  test('is not back by a token that was kept: the request that follows says so', async () => {
    const scene = new Scene()
    await scene.fail()
    scene.clock.advance(pauseMinMs)
    assert.equal(await scene.guarded.prepare('collection'), 'ready')
    assert.equal(await scene.guarded.prepare('collection'), 'unavailable')
    await scene.guarded.request(requested())
    assert.equal(await scene.guarded.prepare('collection'), 'ready')
  })
  const noFailures: readonly (readonly [string, (scene: Scene) => Promise<unknown>])[] = [
    ['what we held back ourselves', async (scene) => {
      scene.sent = { kind: 'not_sent', reason: 'held back' }
      await scene.guarded.request(requested(false))
    }],
    ['the cap on enquiries, which is ours to keep', async (scene) => {
      scene.says = { kind: 'unknown', reason: tooManyEnquiries }
      await scene.guarded.enquire(asked())
    }],
    ['what the connector cannot do', async (scene) => {
      scene.ready = 'unavailable'
      scene.clock.advance(1_000)
      await scene.guarded.prepare('payout')
    }],
    ['one payment, however often it fails', async (scene) => {
      scene.says = { kind: 'unknown', reason: '500' }
      await scene.guarded.enquire(asked(once))
    }],
  ]
  const once = newId('payment', from)
  for (const [name, does] of noFailures) {
    test(`is not away by ${name}`, async () => {
      const scene = new Scene()
      for (let times = 0; times < 3 * failuresMin; times++) await does(scene)
      scene.ready = 'ready'
      assert.equal(await scene.guarded.prepare('collection'), 'ready')
    })
  }
  test('is away by requests that nobody heard, and by tokens that do not come', async () => {
    const unheard = new Scene()
    unheard.sent = { kind: 'not_sent', reason: 'unreached' }
    for (let times = 0; times < failuresMin; times++) await unheard.guarded.request(requested())
    assert.equal(await unheard.guarded.prepare('collection'), 'unavailable')
    const tokenless = new Scene()
    tokenless.ready = 'unavailable'
    for (let times = 0; times < failuresMin; times++, tokenless.clock.advance(1_000)) await tokenless.guarded.prepare('collection')
    const { calls } = tokenless
    await tokenless.guarded.prepare('collection')
    assert.equal(tokenless.calls, calls)
  })
})

describe('the watch over networks', () => {
  let database: TestDatabase
  let db: Database
  let operator: Database
  before(async () => {
    database = await testDatabase()
    db = database.open('ngome_dispatcher', { poolMax: 2 })
    operator = database.open('ngome_operator', { poolMax: 1 })
  })
  after(() => database.close())

  const events = async (): Promise<readonly unknown[]> =>
    (await database.asAdmin(`SELECT type FROM ngome.events WHERE type LIKE 'network.%' ORDER BY id`)).map(({ type }) => type)
  const status = async (scene: Scene): Promise<string | undefined> =>
    (await findNetworkStanding(db, scene.clock.nowMs())).health.find(({ network }) => network === 'mtn-sandbox')?.status

  test('tells when a network goes and when it is back, once a minute at most, and how it does', async () => {
    const scene = new Scene()
    const metrics = createMetrics({ process: 'dispatcher' })
    scene.watch.measure(metrics)
    await scene.watch.look(db)
    assert.equal(await status(scene), 'operational')
    for (const round of [0, 1]) {
      await scene.fail()
      await scene.watch.look(db)
      assert.equal(await status(scene), 'down')
      assert.match(await metrics.metrics(), /ngome_dispatcher_network_health\{network="mtn-sandbox",process="dispatcher"\} 0/)
      scene.clock.advance(pauseMinMs)
      await scene.guarded.enquire(asked())
      await scene.watch.look(db)
      assert.equal(await status(scene), 'operational', String(round))
    }
    assert.deepEqual(await events(), ['network.away', 'network.back'])
  })

  test('keeps a network closed in its times, of the configuration and of the operator, and asks on about what was sent', async () => {
    const nowMs = systemClock.nowMs()
    const window: NetworkMaintenance = { network: 'mtn-sandbox', fromMs: nowMs, toMs: nowMs + 3_600_000, reason: 'Upgrade' }
    const configured = new Scene([window])
    assert.equal(await configured.guarded.prepare('collection'), 'unavailable')
    assert.equal((await configured.guarded.enquire(asked())).kind, 'pending')
    const scene = new Scene([{ ...window, network: 'mtn-ug' }])
    const tell = (type: 'network.maintenance_added' | 'network.maintenance_removed') => {
      const [begins, ends] = [window.fromMs, window.toMs].map((ms) => new Date(ms).toISOString())
      const bounds = { network: window.network, from: begins ?? '', to: ends ?? '' }
      return type === 'network.maintenance_added' ? emit({ ...from, process: 'operator' }, type, null, bounds)
        : emit({ ...from, process: 'operator' }, type, null, { network: bounds.network, from: bounds.from })
    }
    assert.equal(await addNetworkMaintenance(operator, window, tell('network.maintenance_added')), true)
    assert.equal(await addNetworkMaintenance(operator, window, tell('network.maintenance_added')), false)
    await scene.watch.look(db)
    assert.equal(await scene.guarded.prepare('collection'), 'unavailable')
    scene.clock.advance(3_600_000 + 5_000)
    assert.equal(await scene.guarded.prepare('collection'), 'ready')
    assert.equal(await removeNetworkMaintenance(operator, window, tell('network.maintenance_removed')), true)
    assert.equal(await removeNetworkMaintenance(operator, window, tell('network.maintenance_removed')), false)
  })

  const forbidden: readonly (readonly ['ngome_dispatcher' | 'ngome_gateway', string, string])[] = [
    ['ngome_dispatcher', 'close a network for the operator', `INSERT INTO ngome.network_maintenance VALUES ('mtn-ug', now(), now() + interval '1 hour', 'x')`],
    ['ngome_dispatcher', 'open one that he closed', 'DELETE FROM ngome.network_maintenance'],
    ['ngome_gateway', 'say how a network does', `INSERT INTO ngome.network_health VALUES ('mtn-ug', 'down', now(), now())`],
    ['ngome_gateway', 'change what is said', `UPDATE ngome.network_health SET status = 'down'`],
  ]
  for (const [role, what, statement] of forbidden) {
    test(`${role} cannot ${what}`, () => assert.rejects(database.open(role, { poolMax: 1 }).pool.query(statement), /permission denied/))
  }
})
