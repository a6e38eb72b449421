import assert from 'node:assert/strict'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, beforeEach, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { failureCodes } from '@ngome/contracts'
import { newId, Secret, systemClock, systemRandom, type PaymentId } from '@ngome/kernel'
import { MtnMomoSimulator, type SimulatorCredentials } from '@ngome/testkit'
import fc from 'fast-check'
import { createEgressGuard, type EgressGuard } from '../../egress/egress-guard.ts'
import { parseMessage } from '../parse-message.ts'
import type { EnquiryOutcome, PaymentNetwork, PaymentRequest, RequestOutcome } from '../payment-network.ts'
import { connectMtnMomo, type MtnMomoCredentials, type MtnMomoSettings } from './connect-mtn-momo.ts'
import { failureOf, failures, refusalOf } from './failures.ts'
import { differencesOf, noteOf, statusSchema } from './messages.ts'

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

const ask = (network: PaymentNetwork, { reference, payment }: { reference: string; payment: PaymentId }): Promise<EnquiryOutcome> =>
  network.enquire({ direction: 'collection', reference, payment, money, original: null })

async function settled(network: PaymentNetwork, request: PaymentRequest): Promise<EnquiryOutcome> {
  for (let turn = 0; turn < 100; turn++) {
    const outcome = await ask(network, request)
    if (outcome.kind !== 'pending') return outcome
    await sleep(20)
  }
  throw new Error('still pending')
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

  const charged = async (request: PaymentRequest): Promise<number> =>
    (await simulator.charges()).filter(({ externalId }) => externalId === request.payment).length

  const ends: readonly [string, EnquiryOutcome['kind'], string?][] = [
    ['+46733123450', 'failed', 'insufficient_funds'],
    ['+46733123451', 'failed', 'payer_refused'],
    ['+46733123452', 'failed', 'payer_timed_out'],
    ['+46733123453', 'failed', 'payer_timed_out'],
    ['+46733123454', 'succeeded'],
    ['+46733123455', 'failed', 'payer_unknown'],
    ['+46733123456', 'failed', 'not_allowed'],
    ['+46733123457', 'failed', 'not_allowed'],
    ['+46733123461', 'failed', 'insufficient_funds'],
    ['+46733123463', 'failed', 'payer_timed_out'],
    ['+46733123499', 'succeeded'],
  ]
  for (const [phone, kind, failure] of ends) {
    test(`${phone} is taken, and ends as ${failure ?? kind}`, async () => {
      const request = requestFor(phone)
      assert.deepEqual(await network.request(request), { kind: 'taken' })
      const end = await settled(network, request)
      assert.deepEqual([end.kind, end.kind === 'failed' ? end.failure : undefined], [kind, failure])
      assert.equal(await charged(request), 1)
    })
  }
  const refusals: readonly [string, RequestOutcome['kind'], string][] = [
    ['+46733123458', 'refused', '500 NOT_ALLOWED_TARGET_ENVIRONMENT'],
    ['+46733123459', 'refused', '500 INVALID_CALLBACK_URL_HOST'],
    ['+46733123460', 'refused', '500 INVALID_CURRENCY'],
    ['+46733123462', 'unknown', '503 SERVICE_UNAVAILABLE'],
  ]
  for (const [phone, kind, reason] of refusals) {
    test(`${phone} is ${kind} (${reason}), and the network does not know it`, async () => {
      const request = requestFor(phone)
      const outcome = await network.request(request)
      assert.deepEqual([outcome.kind, 'reason' in outcome ? outcome.reason : ''], [kind, reason])
      assert.deepEqual(await ask(network, request), { kind: 'not_found' })
      assert.equal(await charged(request), 0)
    })
  }

  test('the same reference again is taken, and charged once', async () => {
    const request = requestFor('+46733123499')
    await network.request(request)
    assert.deepEqual(await network.request(request), { kind: 'taken' })
    assert.equal(await charged(request), 1)
  })
  test('what it sends is what MTN reads: number without plus, note without apostrophes, our id and callback', async () => {
    const request = requestFor('+46733123498', { description: `it's ${'x'.repeat(200)}`, callbackUrl: 'https://localhost/cb' })
    await network.request(request)
    const charge = (await simulator.charges()).find(({ externalId }) => externalId === request.payment)
    assert.deepEqual(
      [charge?.payer, charge?.amount, charge?.payerMessage, charge?.callbackUrl, charge?.reference],
      ['46733123498', '5.00', `its ${'x'.repeat(156)}`, 'https://localhost/cb', request.reference],
    )
  })

  const manners: readonly [string, object, RequestOutcome['kind'], number][] = [
    ['answers 500', { kind: 'answer', status: 500 }, 'unknown', 0],
    ['answers 503', { kind: 'answer', status: 503 }, 'unknown', 0],
    ['answers 429', { kind: 'answer', status: 429 }, 'unknown', 0],
    ['answers a redirect-like nothing', { kind: 'answer', status: 404 }, 'unknown', 0],
    ['hangs', { kind: 'hang' }, 'unknown', 0],
    ['takes and hangs', { kind: 'take_and_hang' }, 'unknown', 1],
    ['takes and answers too late', { kind: 'take_and_answer_late', delayMs: 500 }, 'unknown', 1],
    ['takes and answers 500', { kind: 'take_and_answer', status: 500 }, 'unknown', 1],
    ['says once that the token has expired', { kind: 'token_expired' }, 'taken', 1],
  ]
  for (const [name, manner, kind, charges] of manners) {
    test(`a network that ${name}: ${kind}, and one more sending of the reference charges once`, async () => {
      await simulator.script([{ on: 'request', do: manner, times: 1 }])
      const request = requestFor('+46733123499')
      assert.equal((await network.request(request)).kind, kind)
      assert.equal(await charged(request), charges)
      assert.equal((await network.request(request)).kind, 'taken')
      assert.equal(await charged(request), 1)
    })
  }
  const enquiryManners: readonly [string, object, EnquiryOutcome['kind']][] = [
    ['answers 500', { kind: 'answer', status: 500 }, 'unknown'],
    ['caps the rate', { kind: 'rate_capped' }, 'unknown'],
    ['hangs', { kind: 'hang' }, 'unknown'],
    ['answers too late', { kind: 'answer_late', delayMs: 500 }, 'unknown'],
    ['forgets for a moment', { kind: 'not_found' }, 'not_found'],
    ['says once that the token has expired', { kind: 'token_expired' }, 'succeeded'],
  ]
  for (const [name, manner, kind] of enquiryManners) {
    test(`an enquiry at a network that ${name}: ${kind}`, async () => {
      const request = requestFor('+46733123499')
      await network.request(request)
      await settled(network, request)
      await simulator.script([{ on: 'status', do: manner, times: 1 }])
      assert.equal((await ask(network, request)).kind, kind)
      assert.equal((await ask(network, request)).kind, 'succeeded')
    })
  }
  test('an answer about another amount, currency or payment is not believed', async () => {
    const request = requestFor('+46733123499')
    await network.request(request)
    const { reference, payment } = request
    const other = newId('payment', from)
    assert.deepEqual(await network.enquire({ direction: 'collection', reference, payment, money: { ...money, amountMinor: 501n }, original: null }), { kind: 'differs', fields: ['amount'] })
    assert.deepEqual(await network.enquire({ direction: 'collection', reference, payment, money: { amountMinor: 500n, currency: 'USD' }, original: null }), { kind: 'differs', fields: ['currency'] })
    assert.deepEqual(await network.enquire({ direction: 'collection', reference, payment: other, money, original: null }), { kind: 'differs', fields: ['externalId'] })
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
  for (const manner of [{ kind: 'answer', status: 500 }, { kind: 'hang' }]) {
    test(`no token (${manner.kind}): the network is away, and nothing is sent`, async () => {
      const own = connectMtnMomo(settings, secretsOf(await simulator.provision('sandbox', 'localhost')), egress, systemClock)
      await simulator.script([{ on: 'token', do: manner }])
      assert.equal(await own.prepare('collection'), 'unavailable')
      assert.deepEqual(await own.request(requestFor('+46733123499')), { kind: 'not_sent', reason: 'no token' })
    })
  }
  test('wrong credentials: away', async () => {
    const own = connectMtnMomo(settings, secretsOf({ ...await simulator.provision('sandbox', 'localhost'), apiKey: 'wrong' }), egress, systemClock)
    assert.equal(await own.prepare('collection'), 'unavailable')
  })
  test('a dead network: a payment is certainly not sent, an enquiry knows nothing', async () => {
    await network.prepare('collection')
    await simulator.kill()
    assert.equal((await network.request(requestFor('+46733123499'))).kind, 'not_sent')
    assert.equal((await ask(network, requestFor('+46733123499'))).kind, 'unknown')
    await simulator.restart()
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
  for (const [name, status, body] of [
    ['no JSON', 200, 'SUCCESSFUL'], ['an empty answer', 200, ''], ['an unknown state', 200, '{"status":"PAID"}'],
    ['a list', 200, '[]'], ['a redirect', 302, ''], ['a success under an error', 500, '{"status":"SUCCESSFUL"}'],
  ] as const) {
    test(`${name} is no answer to an enquiry`, async () => {
      answer = (_, response) => { response.writeHead(status, { location: 'http://127.0.0.1:1/' }).end(body) }
      assert.equal((await ask(network, requestFor('+46733123499'))).kind, 'unknown')
    })
  }
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
  test('every row names one of our codes and its source', () => {
    for (const { failure, source } of Object.values(failures)) {
      assert(failureCodes.includes(failure))
      assert(source.length > 0)
    }
  })
  test('an unknown reason is the network\'s refusal, and never means that nothing was taken', () => {
    for (const reason of ['', 'SOMETHING_NEW', 'constructor', '__proto__']) {
      assert.equal(failureOf(reason), 'network_refused')
      assert.equal(refusalOf(reason), undefined)
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
