import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { noCaps } from '@ngome/access'
import { emit, networksSchema, paymentSchema, sealedPaymentSchema, type NetworkView, type SeenNetworkStatus } from '@ngome/contracts'
import { systemClock, systemRandom } from '@ngome/kernel'
import type { Config } from '@ngome/runtime'
import { addNetworkMaintenance, recordNetworkHealth, removeNetworkMaintenance, type Database, type NetworkStanding } from '@ngome/store'
import type { Answer } from '@ngome/testkit'
import { openMovement } from '../testing/open-sealed.ts'
import { makeSession, Payer } from '../testing/payer.ts'
import { problemIn } from '../testing/problem-in.ts'
import { TestGateway, type TestMerchant } from '../testing/test-gateway.ts'
import { isPayablePhone } from './is-payable-phone.ts'
import { NetworkBoard, seenMs } from './network-board.ts'

const soon = (ms: number): string => new Date(systemClock.nowMs() + ms).toISOString()
const closed = [{ from: soon(-3_600_000), to: soon(1_800_000), reason: 'Upgrade of the core' }]

/** A test world in Uganda beside the sandbox, and a live one. */
function withNetworks(config: Config): Config {
  const sandbox = config.networks['mtn-sandbox'] ?? assert.fail()
  const { prefixes: _ofSandbox, ...rest } = sandbox
  const ug = { ...rest, currency: 'UGX' as const, callingCode: '256', directions: ['collection' as const] }
  return {
    ...config,
    networks: {
      'mtn-sandbox': sandbox,
      'mtn-ug': { ...ug, fallback: ['mtn-ug-closed', 'mtn-ug-two'] },
      'mtn-ug-two': ug,
      'mtn-ug-closed': { ...ug, maintenance: closed },
      'waits': { ...ug, prefixes: [], maintenance: closed, onMaintenance: 'wait' },
      'new-range': { ...ug, prefixes: ['2563999'] },
      'twin-one': { ...ug, prefixes: ['25620'] },
      'twin-two': { ...ug, prefixes: ['25620'] },
      'mtn-rw-live': { ...ug, world: 'live', callingCode: '250' },
    },
  }
}

let running: TestGateway
let merchant: TestMerchant
let dispatcher: Database
let keys = 0
before(async () => {
  running = await TestGateway.start({ config: withNetworks })
  merchant = await running.addMerchant()
  dispatcher = running.database.open('ngome_dispatcher', { poolMax: 1 })
})
after(() => running.close())

const create = (phone: string, changes: object = {}, as = merchant): Promise<Answer> => as.client.call({
  method: 'POST', path: '/v1/payments', idempotencyKey: `networks-${++keys}`,
  body: { amount: '500', currency: 'UGX', payer: { phone }, reference: 'order-42', ...changes },
})
const listed = async (): Promise<readonly NetworkView[]> => networksSchema.parse(JSON.parse((await merchant.client.call({ path: '/v1/networks' })).text)).data
const networkOf = (answer: Answer): string => {
  assert.equal(answer.status, 201, answer.text)
  return paymentSchema.parse(JSON.parse(answer.text)).network
}
/** Says it as a dispatcher, and waits until the gateway has read it. */
async function say(network: string, status: SeenNetworkStatus): Promise<void> {
  const nowMs = systemClock.nowMs()
  await recordNetworkHealth(dispatcher, [{ network, status, sinceMs: nowMs, seenAtMs: nowMs }], [])
  for (let tries = 0; tries < 60; tries++) {
    if ((await listed()).find(({ name }) => name === network)?.status === status) return
    await new Promise((resolve) => { setTimeout(resolve, 100) })
  }
  assert.fail(`${network} is not told to be ${status}`)
}

describe('a payment that names no network', () => {
  test('goes by the one whose number it is, which is shown and sealed', async () => {
    const answer = await create('+46733123499', { currency: 'EUR', amount: '5.00' })
    assert.equal(networkOf(answer), 'mtn-sandbox')
    const { id } = paymentSchema.parse(JSON.parse(answer.text))
    assert.equal(sealedPaymentSchema.parse(await openMovement(running, merchant.tenant, id)).network, 'mtn-sandbox')
  })
  const refused: readonly (readonly [string, string, string, object?])[] = [
    ['of a network of the other world', '+250788123456', '/payer/phone'],
    ['of no network that we know', '+256711123456', '/network'],
    ['of two networks', '+256201234567', '/network'],
    ['in a currency that its network does not take', '+46733123499', '/payer/phone'],
    ['that is a premium number', '+256901234567', '/payer/phone'],
    ['of a fixed line', '+256414123456', '/payer/phone'],
    ['that is free to call', '+256800100100', '/payer/phone'],
    ['with a digit too many', '+2567721234567', '/payer/phone', { network: 'mtn-ug' }],
    ['with a digit too few', '+25677212345', '/payer/phone', { network: 'mtn-ug' }],
    ['that is a short code', '+256175', '/payer/phone'],
    ['in digits of another script', '+256\u0667\u0667\u0662\u0661\u0662\u0663\u0664\u0665\u0666', '/payer/phone'],
    ['in full-width digits', '\uff0b256772123456', '/payer/phone'],
    ['of another country than the network that is named', '+254733123456', '/payer/phone', { network: 'mtn-ug' }],
    ['that is premium, where the network is named', '+256901234567', '/payer/phone', { network: 'mtn-ug' }],
    ['with a network of the other world named', '+250788123456', '/network', { network: 'mtn-rw-live' }],
    ['with a network that is a property of every object', '+256772123456', '/network', { network: 'constructor' }],
  ]
  for (const [what, phone, pointer, changes] of refused) {
    test(`is refused for a number ${what}`, async () => {
      const answer = await create(phone, changes)
      assert.equal(answer.status, 422, answer.text)
      const problem = problemIn(answer)
      assert.equal(problem.code, 'request/invalid')
      assert.deepEqual(problem.errors?.map((field) => field.pointer), [pointer])
      assert.ok(!answer.text.includes(phone))
    })
  }
  test('finds what the operator configured of a range that the library does not know', async () => {
    assert.equal(networkOf(await create('+256399912345')), 'new-range')
  })
})

test('a network that is named is taken for a number that was ported to it', async () => {
  assert.equal(networkOf(await create('+256752123456', { network: 'mtn-ug' })), 'mtn-ug')
})

describe('while a network is away', () => {
  before(() => say('mtn-ug', 'down'))
  after(() => say('mtn-ug', 'operational'))
  test('what names none goes by the next that is open, and what names it waits for it', async () => {
    assert.equal(networkOf(await create('+256772123456')), 'mtn-ug-two')
    assert.equal(networkOf(await create('+256772123456', { network: 'mtn-ug' })), 'mtn-ug')
  })
  test('it waits for it as well where nobody can stand in, or the key may use nobody else', async () => {
    const held = await running.issueKey(merchant.tenant, { caps: { ...noCaps, networks: new Set(['mtn-ug']) } })
    assert.equal(networkOf(await create('+256772123456', {}, held)), 'mtn-ug')
    await say('mtn-ug-two', 'down')
    assert.equal(networkOf(await create('+256772123456')), 'mtn-ug')
    await say('mtn-ug-two', 'operational')
  })
  test('no word of a dispatcher makes a network that nobody configured, or that was not named as another\'s', async () => {
    await say('mtn-sandbox', 'down')
    await recordNetworkHealth(dispatcher, [{ network: 'thief', status: 'operational', sinceMs: 1, seenAtMs: systemClock.nowMs() }], [])
    assert.equal(networkOf(await create('+46733123499', { currency: 'EUR', amount: '5.00' })), 'mtn-sandbox')
    assert.equal((await create('+256772123456', { network: 'thief' })).status, 422)
    assert.ok((await listed()).every(({ name }) => name !== 'thief'))
    await say('mtn-sandbox', 'operational')
  })
})

describe('a network that is closed', () => {
  test('is refused with when it opens, and named to nobody else', async () => {
    const answer = await create('+256772123456', { network: 'mtn-ug-closed' })
    assert.equal(answer.status, 503)
    assert.equal(problemIn(answer).code, 'networks/in_maintenance')
    const afterS = Number(answer.headers['retry-after'])
    assert.ok(afterS > 1_700 && afterS <= 1_800, String(afterS))
  })
  test('takes what may wait for it', async () => {
    assert.equal(networkOf(await create('+256772123456', { network: 'waits' })), 'waits')
  })
})

describe('a network that closes', () => {
  const [name, other] = ['mtn-ug-two', 'mtn-ug']
  const window = { network: name, fromMs: systemClock.nowMs() - 1_000, toMs: systemClock.nowMs() + 3_600_000, reason: 'Upgrade' }
  const [from, to] = [window.fromMs, window.toMs].map((ms) => new Date(ms).toISOString()) as [string, string]
  const told = { clock: systemClock, random: systemRandom, process: 'operator' } as const
  let operator: Database
  before(() => { operator = running.database.open('ngome_operator', { poolMax: 1 }) })
  const untilStatus = async (isClosed: boolean): Promise<void> => {
    for (let tries = 0; tries < 60; tries++) {
      if (((await listed()).find((one) => one.name === name)?.status === 'maintenance') === isClosed) return
      await new Promise((resolve) => { setTimeout(resolve, 100) })
    }
    assert.fail(`${name} is not told to be ${isClosed ? 'closed' : 'open'}`)
  }

  test('answers the repetition of what it took, refuses what is new, and is not offered to payers', async () => {
    const order = (amount: string, idempotencyKey: string) => merchant.client.call({
      method: 'POST', path: '/v1/payments', idempotencyKey,
      body: { amount, currency: 'UGX', payer: { phone: '+256772123456' }, reference: 'order-42', network: name },
    })
    const session = await makeSession(merchant, { amount: '500', currency: 'UGX', networks: [other, name] })
    const alone = await makeSession(merchant, { amount: '500', currency: 'UGX', networks: [name] })
    const payer = new Payer(running)
    const first = await order('500', 'before-it-closed')
    assert.equal(first.status, 201, first.text)
    assert.match((await payer.get(`/c/${session.token}`)).text, new RegExp(`value="${name}"`))
    const rows = (): Promise<unknown> => running.database.asAdmin('SELECT count(*)::int AS n FROM ngome.payments')

    assert.ok(await addNetworkMaintenance(operator, window, emit(told, 'network.maintenance_added', null, { network: name, from, to })))
    await untilStatus(true)
    const had = await rows()
    const again = await order('500', 'before-it-closed')
    assert.deepEqual([again.status, again.text, again.headers['idempotent-replayed']], [201, first.text, 'true'])
    const changed = await order('501', 'before-it-closed')
    assert.deepEqual([changed.status, problemIn(changed).code], [422, 'idempotency/key_reused'])
    const late = await order('500', 'after-it-closed')
    assert.deepEqual([late.status, problemIn(late).code], [503, 'networks/in_maintenance'])
    assert.deepEqual(await rows(), had)
    const offered = (await payer.get(`/c/${session.token}`)).text
    assert.ok(offered.includes(`value="${other}"`) && !offered.includes(name), 'only what is open is offered')
    assert.equal((await payer.pay(session.token, { network: name })).status, 422)
    const closed = await payer.get(`/c/${alone.token}`)
    assert.equal(closed.status, 409)
    assert.match(closed.text, /The payment network is closed for now.*Come back later/s)
    assert.deepEqual(await rows(), had)

    assert.ok(await removeNetworkMaintenance(operator, window, emit(told, 'network.maintenance_removed', null, { network: name, from })))
    await untilStatus(false)
    assert.equal((await order('500', 'after-it-closed')).status, 201, 'the key of what was refused is free')
    assert.equal((await payer.get(`/c/${alone.token}`)).status, 200)
  })
})

test('the list has the networks of the world alone, and how they do', async () => {
  await say('mtn-ug', 'degraded')
  const networks = await listed()
  assert.deepEqual(networks.map(({ name }) => name).includes('mtn-rw-live'), false)
  const { status, country, directions, currency } = networks.find(({ name }) => name === 'mtn-ug') ?? assert.fail()
  assert.deepEqual({ status, country, directions, currency }, { status: 'degraded', country: 'UG', directions: ['collection'], currency: 'UGX' })
  const shut = networks.find(({ name }) => name === 'mtn-ug-closed')
  assert.deepEqual([shut?.status, shut?.since, shut?.maintenance], ['maintenance', closed[0]?.from, closed])
})

test('what no dispatcher has said for a minute is not known; what cannot be read is what it was', async () => {
  let nowMs = 1_000_000
  let isAway = false
  const known: NetworkStanding = { health: [{ network: 'mtn-ug', status: 'down', sinceMs: nowMs, seenAtMs: nowMs }], maintenance: [] }
  const board = new NetworkBoard({
    clock: { nowMs: () => nowMs }, monotonicMs: () => nowMs,
    find: async () => {
      if (isAway) throw new Error('away')
      return known
    },
  }, [])
  assert.equal((await board.look()).standingOf('mtn-ug').status, 'down')
  isAway = true
  nowMs += 5_000
  assert.equal((await board.look()).standingOf('mtn-ug').status, 'down')
  nowMs += seenMs
  assert.deepEqual((await board.look()).standingOf('mtn-ug'), { status: 'degraded', sinceMs: 1_000_000 })
  assert.deepEqual((await board.look()).standingOf('mtn-rw'), { status: 'degraded', sinceMs: null })
})

test('every number of the networks\' sandboxes can be asked', () => {
  for (let ending = 0; ending < 100; ending++) {
    assert.ok(isPayablePhone(`+467331234${String(ending).padStart(2, '0')}`, { callingCode: '46' }))
    assert.ok(isPayablePhone(`+2567000000${String(ending).padStart(2, '0')}`, { callingCode: '256' }))
  }
})
