import assert from 'node:assert/strict'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, beforeEach, describe, test } from 'node:test'
import { failureCodes, paymentDirections } from '@ngome/contracts'
import { newId, Secret, systemClock, systemRandom } from '@ngome/kernel'
import { MtnMomoSimulator, type SimulatorCredentials } from '@ngome/testkit'
import fc from 'fast-check'
import { createEgressGuard, type EgressGuard } from '../../egress/egress-guard.ts'
import { parseMessage } from '../parse-message.ts'
import type { PaymentNetwork, PaymentRequest } from '../payment-network.ts'
import { settled } from '../testing/trial.ts'
import { connectMtnMomo, type MtnMomoCredentials, type MtnMomoSettings } from './connect-mtn-momo.ts'
import { failureOf, failures, refusalOf } from './failures.ts'
import { differencesOf, noteOf, statusSchema } from './messages.ts'
import type { DisbursementSettings } from './operations.ts'

const from = { clock: systemClock, random: systemRandom }
const requestTimeoutMs = 250
const money = { amountMinor: 500n, currency: 'EUR' } as const
const settings: MtnMomoSettings = { network: 'momo', targetEnvironment: 'sandbox', requestTimeoutMs, enquiriesPerSecondMax: 1_000 }

function guardOf(port: number): EgressGuard {
  return createEgressGuard({
    providers: { momo: { baseUrl: `http://127.0.0.1:${port}` } }, allowPrivate: [`127.0.0.1:${port}`],
    resolve: async () => { throw new Error('nothing has a name here') },
  })
}

function secretsOf({ apiUser, apiKey, subscriptionKey }: SimulatorCredentials): MtnMomoCredentials {
  return { apiUser: new Secret(apiUser), apiKey: new Secret(apiKey), subscriptionKey: new Secret(subscriptionKey) }
}

function requestFor(phone: string, changes: Partial<PaymentRequest> = {}): PaymentRequest {
  return {
    direction: 'collection', reference: crypto.randomUUID(), payment: newId('payment', from), money, phone: new Secret(phone), original: null,
    description: 'Two chapati', callbackUrl: 'https://localhost:8443/v1/callbacks/mtn-momo/token',
    beforeFirstByte: async () => true, ...changes,
  }
}

describe('with the simulator', () => {
  let simulator: MtnMomoSimulator
  let egress: EgressGuard
  let network: PaymentNetwork
  before(async () => {
    simulator = await MtnMomoSimulator.start({
      DECIDE_AFTER_MS: '40', DELAYED_AFTER_MS: '150', EXPIRE_AFTER_MS: '300', STATUS_PER_SECOND_MAX: '1000',
    })
    egress = guardOf(simulator.port)
    network = connectMtnMomo(settings, secretsOf(await simulator.provision('sandbox', 'localhost')), egress, systemClock)
  })
  after(async () => {
    egress.close()
    await simulator.stop()
  })
  beforeEach(() => simulator.script([]))

  const paying = async (disbursement: DisbursementSettings): Promise<PaymentNetwork> => connectMtnMomo({ ...settings, disbursement }, {
    ...secretsOf(await simulator.provision('sandbox', 'localhost', 'collection')),
    disbursement: secretsOf(await simulator.provision('sandbox', 'localhost', 'disbursement')),
  }, egress, systemClock)

  test('what it sends is what MTN reads: number without plus, note without apostrophes, our id and callback', async () => {
    const request = requestFor('+46733123498', { description: `it's ${'x'.repeat(200)}`, callbackUrl: 'https://localhost/cb' })
    await network.request(request)
    const charge = (await simulator.charges()).find(({ externalId }) => externalId === request.payment)
    assert.deepEqual(
      [charge?.payer, charge?.amount, charge?.payerMessage, charge?.callbackUrl, charge?.reference],
      ['46733123498', '5.00', `its ${'x'.repeat(156)}`, 'https://localhost/cb', request.reference],
    )
  })

  test('one token serves many calls, and a restarted network gets a new one', async () => {
    const own = connectMtnMomo(settings, secretsOf(await simulator.provision('sandbox', 'localhost')), egress, systemClock)
    assert.equal(await own.prepare('collection'), 'ready')
    await simulator.script([{ on: 'token', do: { kind: 'answer', status: 500 } }])
    assert.equal((await own.request(requestFor('+46733123499'))).kind, 'taken')
    await simulator.kill()
    await simulator.restart()
    assert.equal((await own.request(requestFor('+46733123499'))).kind, 'taken')
  })
  test('one that is unavailable is asked again; one that is late succeeds', async () => {
    assert.deepEqual(await network.request(requestFor('+46733123462')), { kind: 'unknown', reason: '503 SERVICE_UNAVAILABLE' })
    const late = requestFor('+46733123454')
    await network.request(late)
    assert.equal((await settled(network, late)).kind, 'succeeded')
  })
  test('without the disbursement product there are collections alone, and nobody asks for more', async () => {
    assert.deepEqual(network.directions, ['collection'])
    assert(!('balance' in network))
    await assert.rejects(network.request(requestFor('+46733123499', { direction: 'payout' })), TypeError)
  })
  for (const [payBy, version, operation] of [['transfer', 'v1_0', 'transfer'], ['deposit', 'v1_0', 'deposit'], ['deposit', 'v2_0', 'deposit']] as const) {
    test(`pays out and refunds where the operator says: ${payBy}, ${version}`, async () => {
      const own = await paying({ currency: 'EUR', payBy, version })
      const collection = requestFor('+46733123499')
      await own.request(collection)
      assert.equal((await settled(own, collection)).kind, 'succeeded')
      const payout = requestFor('+46733123497', { direction: 'payout' })
      const refund = requestFor('+46733123499', { direction: 'refund', original: { reference: collection.reference, networkReference: null, money } })
      for (const request of [payout, refund]) {
        assert.equal((await own.request(request)).kind, 'taken')
        assert.equal((await settled(own, request)).kind, 'succeeded')
      }
      const moved = await simulator.movements()
      assert.deepEqual(
        [payout, refund].map(({ reference }) => moved.find((one) => one.reference === reference)).map((one) => [one?.operation, one?.party]),
        [[operation, '46733123497'], ['refund', '46733123499']],
      )
    })
  }
  test('the float is what is paid out of: more than it has is refused, and the merchant is told nothing of our account', async () => {
    const own = await paying({ currency: 'EUR', payBy: 'transfer', version: 'v1_0' })
    const before = await own.balance?.()
    assert(before !== undefined)
    const greedy = requestFor('+46733123497', { direction: 'payout', money: { ...before, amountMinor: before.amountMinor + 1n } })
    await own.request(greedy)
    assert.deepEqual(await settled(own, greedy), { kind: 'failed', failure: 'network_refused', reason: 'NOT_ENOUGH_FUNDS' })
    const all = requestFor('+46733123497', { direction: 'payout', money: before })
    await own.request(all)
    assert.equal((await settled(own, all)).kind, 'succeeded')
    assert.deepEqual(await own.balance?.(), { amountMinor: 0n, currency: 'EUR' })
  })
  test('one product\'s credentials are not the other\'s', async () => {
    const collection = secretsOf(await simulator.provision('sandbox', 'localhost', 'collection'))
    const own = connectMtnMomo({ ...settings, disbursement: { currency: 'EUR', payBy: 'transfer', version: 'v1_0' } }, { ...collection, disbursement: collection }, egress, systemClock)
    assert.deepEqual([await own.prepare('collection'), await own.prepare('payout')], ['ready', 'unavailable'])
  })
  test('wrong credentials: away', async () => {
    const own = connectMtnMomo(settings, secretsOf({ ...await simulator.provision('sandbox', 'localhost'), apiKey: 'wrong' }), egress, systemClock)
    assert.equal(await own.prepare('collection'), 'unavailable')
  })
})

describe('with a network that answers nonsense', () => {
  let server: Server
  let egress: EgressGuard
  let network: PaymentNetwork
  let answer: (request: IncomingMessage, response: ServerResponse) => void = () => undefined
  before(async () => {
    server = createServer((request, response) => {
      if (request.url === '/collection/token/') response.end('{"access_token":"t","expires_in":3600}')
      else answer(request, response)
    })
    await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve) })
    egress = guardOf((server.address() as AddressInfo).port)
    network = connectMtnMomo(settings, secretsOf({ apiUser: 'u', apiKey: 'k', subscriptionKey: 's' }), egress, systemClock)
  })
  after(() => {
    egress.close()
    server.closeAllConnections()
    server.close()
  })
  for (const status of [200, 201, 204, 301, 401, 500]) {
    test(`${status} is no 202`, async () => {
      answer = (_, response) => { response.writeHead(status).end() }
      assert.equal((await network.request(requestFor('+46733123499'))).kind, 'unknown')
    })
  }
  test('a 409 of another kind is not ours', async () => {
    answer = (_, response) => { response.writeHead(409).end('{"code":"CONFLICT"}') }
    assert.equal((await network.request(requestFor('+46733123499'))).kind, 'unknown')
  })
  for (const status of [400, 403]) {
    test(`${status}: refused`, async () => {
      answer = (_, response) => { response.writeHead(status).end('{}') }
      const outcome = await network.request(requestFor('+46733123499'))
      assert.deepEqual([outcome.kind, outcome.kind === 'refused' ? outcome.failure : ''], ['refused', 'network_refused'])
    })
  }
})

describe('failures', () => {
  test('every row names one of our codes for each direction, and its source', () => {
    for (const [code, { source }] of Object.entries(failures)) {
      for (const direction of paymentDirections) assert(failureCodes.includes(failureOf(direction, code)))
      assert(source.length > 0)
    }
  })
  test('an unknown reason is the network\'s refusal, and never means that nothing was taken', () => {
    for (const reason of ['', 'SOMETHING_NEW', 'constructor', '__proto__']) {
      for (const direction of paymentDirections) {
        assert.equal(failureOf(direction, reason), 'network_refused')
        assert.equal(refusalOf(direction, reason), undefined)
      }
    }
  })
  test('a want of our own is never told as the payer\'s', () => {
    for (const reason of ['NOT_ENOUGH_FUNDS', 'INTERNAL_PROCESSING_ERROR']) {
      assert.deepEqual(paymentDirections.map((direction) => failureOf(direction, reason)), ['insufficient_funds', 'network_refused', 'network_refused'])
    }
  })
})

describe('messages', () => {
  test('nothing that is not a status of MTN\'s shape is read as one', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => { assert.equal(parseMessage(statusSchema, bytes), undefined) }))
    fc.assert(fc.property(fc.json(), (text) => { assert.equal(parseMessage(statusSchema, Buffer.from(text)), undefined) }))
  })
  test('a reason comes as a text or as an object', () => {
    const base = { status: 'FAILED', externalId: 'x', amount: '5', currency: 'EUR' }
    for (const reason of ['EXPIRED', { code: 'EXPIRED', message: 'm' }]) {
      assert.equal(parseMessage(statusSchema, Buffer.from(JSON.stringify({ ...base, reason })))?.reason, 'EXPIRED')
    }
  })
  for (const [amount, isSame] of [['5', true], ['5.0', true], ['5.00', true], ['5.000', true], ['5.01', false], ['50', false], ['-5', false], ['', false]] as const) {
    test(`"${amount}" ${isSame ? 'is' : 'is not'} five euros`, () => {
      const status = { status: 'PENDING', externalId: 'p', amount, currency: 'EUR' } as const
      assert.equal(differencesOf(status, { payment: 'p', money }).length === 0, isSame)
    })
  }
  test('a note has no apostrophe and at most 160 characters', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 400 }), (text) => {
      const note = noteOf(text)
      assert(note.length <= 160 && !note.includes('\'') && note.isWellFormed())
    }))
  })
})
