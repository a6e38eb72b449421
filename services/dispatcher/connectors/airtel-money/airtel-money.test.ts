import assert from 'node:assert/strict'
import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { after, before, beforeEach, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { failureCodes, type PaymentDirection } from '@ngome/contracts'
import { Fault, formatMoney, ManualClock, newId, Secret, systemClock, systemRandom, type Money } from '@ngome/kernel'
import { AirtelMoneySimulator, type AirtelApplication } from '@ngome/testkit'
import fc from 'fast-check'
import { createEgressGuard, type EgressGuard } from '../../egress/egress-guard.ts'
import type { EnquiryOutcome, OriginalPayment, PaymentNetwork, PaymentRequest } from '../payment-network.ts'
import { codes, failureOf, meaningOf } from './codes.ts'
import { connectAirtelMoney } from './connect-airtel-money.ts'
import { collectionBody, subscriberNumber } from './messages.ts'
import type { AirtelMoneyCredentials, AirtelMoneySettings } from './settings.ts'
import { transactionIdOf } from './transaction-id.ts'

const from = { clock: systemClock, random: systemRandom }
const money: Money = { amountMinor: 500n, currency: 'UGX' }
const settings: AirtelMoneySettings = {
  network: 'airtel', country: 'UG', currency: 'UGX', callingCode: '256', signsMessages: true, messageKeySha256: undefined,
  pinScheme: 'rsa-oaep-sha256', namesCallback: true, requestTimeoutMs: 400, enquiriesPerSecondMax: 1_000,
}
const good = '+256752123456'

function requestFor(direction: PaymentDirection, phone = good, changes: Partial<PaymentRequest> = {}): PaymentRequest {
  return {
    direction, reference: crypto.randomUUID(), payment: newId('payment', from), money, phone: new Secret(phone),
    description: 'Two chapati', callbackUrl: 'https://localhost:8443/v1/callbacks/airtel-money/token', original: null,
    beforeFirstByte: async () => true, ...changes,
  }
}

function secretsOf(application: AirtelApplication, changes: Partial<AirtelApplication> = {}): AirtelMoneyCredentials {
  const { clientId, clientSecret, callbackKey, pin, pinKey } = { ...application, ...changes }
  return {
    clientId: new Secret(clientId), clientSecret: new Secret(clientSecret), callbackKey: new Secret(callbackKey), pin: new Secret(pin), pinKey: new Secret(pinKey),
  }
}

describe('with the simulator', () => {
  let simulator: AirtelMoneySimulator
  let egress: EgressGuard
  let application: AirtelApplication
  let network: PaymentNetwork
  before(async () => {
    simulator = await AirtelMoneySimulator.start({ DECIDE_AFTER_MS: '40', DELAYED_AFTER_MS: '200', EXPIRE_AFTER_MS: '300', CALLS_PER_SECOND_MAX: '1000' })
    egress = createEgressGuard({
      providers: { airtel: { baseUrl: simulator.url } }, allowPrivate: [`127.0.0.1:${simulator.port}`],
      resolve: async () => { throw new Error('nothing has a name here') },
    })
    application = await simulator.provision('UG')
    network = connect()
  })
  after(async () => {
    egress.close()
    await simulator.stop()
  })
  beforeEach(() => simulator.script([]))

  const connect = (changes: Partial<AirtelMoneySettings> = {}, secrets = secretsOf(application), clock = systemClock): PaymentNetwork =>
    connectAirtelMoney({ ...settings, ...changes }, secrets, { egress, clock, random: systemRandom })
  const until = async (request: PaymentRequest, kinds: readonly EnquiryOutcome['kind'][]): Promise<EnquiryOutcome> => {
    for (let turn = 0; turn < 100; turn++) {
      const outcome = await network.enquire(request)
      if (!kinds.includes(outcome.kind)) return outcome
      await sleep(20)
    }
    throw new Error('never')
  }
  const collected = async (phone = good): Promise<OriginalPayment> => {
    const request = requestFor('collection', phone)
    await network.request(request)
    const end = await until(request, ['pending'])
    assert.equal(end.kind, 'succeeded')
    return { reference: request.reference, networkReference: end.kind === 'succeeded' ? end.networkReference : null, money }
  }

  for (const direction of ['collection', 'payout'] as const) {
    for (const [ending, then] of [['61', 'succeeded'], ['62', 'failed']] as const) {
      test(`${direction} ${ending}: ambiguous by Airtel's own word, then ${then}`, async () => {
        const request = requestFor(direction, `+2567000000${ending}`)
        await network.request(request)
        assert.equal((await until(request, ['pending'])).kind, 'ambiguous')
        assert.equal((await until(request, ['pending', 'ambiguous'])).kind, then)
      })
    }
    test(`${direction} 63 stays ambiguous, and nobody guesses`, async () => {
      const request = requestFor(direction, '+256700000063')
      await network.request(request)
      assert.equal((await until(request, ['pending'])).kind, 'ambiguous')
      await sleep(350)
      assert.equal((await network.enquire(request)).kind, 'ambiguous')
    })
    test(`${direction} 64 succeeds, and is taken back`, async () => {
      const request = requestFor(direction, '+256700000064')
      await network.request(request)
      assert.equal((await until(request, ['pending'])).kind, 'succeeded')
      assert.equal((await until(request, ['pending', 'succeeded'])).kind, 'reversed')
    })
    test(`${direction} 67: an answer that it timed out is no answer, and it had been taken`, async () => {
      const request = requestFor(direction, '+256700000067')
      assert.equal((await network.request(request)).kind, 'unknown')
      assert.equal((await until(request, ['pending'])).kind, 'succeeded')
    })
    for (const code of ['ROUTER117', 'ESB000001', 'ESB000004', 'ESB000014', 'DP00800001000', 'DP00900001000']) {
      test(`${direction}: ${code} means ask, and it had been taken`, async () => {
        const request = requestFor(direction)
        await simulator.script([{ on: 'request', do: { kind: 'take_and_say', code }, times: 1 }])
        assert.equal((await network.request(request)).kind, 'unknown')
        assert.equal((await until(request, ['pending'])).kind, 'succeeded')
      })
    }
  }

  test('what it sends is what Airtel reads: a number without the country, letters and digits, a whole amount', async () => {
    const request = requestFor('collection', good, { description: 'Déjà vu: 2 × "chapati"' })
    await network.request(request)
    const one = (await simulator.transactions()).find(({ id }) => id === transactionIdOf(request.reference))
    assert.deepEqual(
      [one?.msisdn, one?.amount, one?.currency, one?.country, one?.reference, one?.callbackUrl],
      ['752123456', '500', 'UGX', 'UG', 'Deja vu 2  chapati', request.callbackUrl],
    )
  })
  test('names no callback where the portal has one address for all', async () => {
    const request = requestFor('collection')
    await connect({ namesCallback: false }).request(request)
    assert.equal((await simulator.transactions()).find(({ id }) => id === transactionIdOf(request.reference))?.callbackUrl, null)
  })

  describe('refunds', () => {
    test('one is found by what it gives back, late ones too', async () => {
      const original = await collected('+256700000071')
      const request = requestFor('refund', good, { original })
      assert.equal((await network.request(request)).kind, 'taken')
      assert.equal((await network.enquire(request)).kind, 'not_found')
      assert.deepEqual(await until(request, ['not_found']), { kind: 'succeeded', networkReference: original.networkReference })
    })
    test('one that Airtel refuses is not taken, and not found', async () => {
      const request = requestFor('refund', good, { original: await collected('+256700000070') })
      assert.equal((await network.request(request)).kind, 'unknown')
      assert.deepEqual(await network.enquire(request), { kind: 'not_found' })
    })
    test('a part is refused before anything leaves, since Airtel would give back the whole', async () => {
      const original = await collected()
      const request = requestFor('refund', good, { original, money: { ...money, amountMinor: 499n } })
      assert.deepEqual(await network.request(request), { kind: 'refused', failure: 'not_allowed', reason: 'the whole or nothing' })
      assert.deepEqual(await network.enquire(request), { kind: 'not_found' })
      assert.equal((await simulator.transactions()).find(({ airtelMoneyId }) => airtelMoneyId === original.networkReference)?.isReversed, false)
      assert.equal((await network.request({ ...request, beforeFirstByte: async () => false })).kind, 'not_sent')
    })
    test('without the collection\'s id at Airtel there is none', async () => {
      for (const original of [null, { ...await collected(), networkReference: null }]) {
        const outcome = await network.request(requestFor('refund', good, { original }))
        assert.deepEqual([outcome.kind, outcome.kind === 'refused' ? outcome.failure : ''], ['refused', 'network_refused'])
      }
    })
    for (const [ending, kind] of [['50', 'differs'], ['63', 'ambiguous']] as const) {
      test(`of a collection that ${ending === '50' ? 'failed' : 'is in doubt'}: ${kind}`, async () => {
        const collection = requestFor('collection', `+2567000000${ending}`)
        await network.request(collection)
        await until(collection, ['pending'])
        const original = { reference: collection.reference, networkReference: 'CI00000000000000', money }
        assert.equal((await network.enquire(requestFor('refund', good, { original }))).kind, kind)
      })
    }
  })

  describe('signatures', () => {
    test('one that is refused is made once more under a key that is asked for anew', async () => {
      const fresh = connect()
      await simulator.script([{ on: 'keys', do: { kind: 'another' }, times: 1 }])
      assert.equal(await fresh.prepare('collection'), 'ready')
      assert.equal((await fresh.request(requestFor('collection'))).kind, 'taken')
    })
    test('one that is refused again is a refusal, and nothing was taken', async () => {
      await simulator.script([{ on: 'keys', do: { kind: 'another' } }])
      for (const direction of ['collection', 'payout'] as const) {
        const request = requestFor(direction)
        const outcome = await connect().request(request)
        assert.deepEqual([outcome.kind, outcome.kind === 'refused' ? outcome.failure : ''], ['refused', 'network_refused'])
        await simulator.script([])
        assert.deepEqual(await network.enquire(request), { kind: 'not_found' })
        await simulator.script([{ on: 'keys', do: { kind: 'another' } }])
      }
    })
    test('a country that wants none gets none, and one that wants them refuses what has none', async () => {
      const request = requestFor('collection')
      const outcome = await connect({ signsMessages: false }).request(request)
      assert.deepEqual([outcome.kind, 'reason' in outcome ? outcome.reason : ''], ['refused', '403 DP00800001026'])
    })
    for (const manner of [{ kind: 'answer', status: 500 }, { kind: 'hang' }]) {
      test(`no key (${manner.kind}): away, and nothing is sent`, async () => {
        await simulator.script([{ on: 'keys', do: manner }])
        const fresh = connect()
        assert.equal(await fresh.prepare('collection'), 'unavailable')
        assert.deepEqual(await fresh.request(requestFor('collection')), { kind: 'not_sent', reason: 'no key for messages' })
      })
    }
    test('a key that is not the pinned one is none', async () => {
      assert.equal(await connect({ messageKeySha256: 'ab'.repeat(32) }).prepare('collection'), 'unavailable')
    })
    test('a key is held for an hour at most', async () => {
      const clock = new ManualClock(systemClock.nowMs())
      const held = connect({}, secretsOf(application), clock)
      assert.equal(await held.prepare('collection'), 'ready')
      await simulator.script([{ on: 'keys', do: { kind: 'answer', status: 500 } }])
      assert.equal(await held.prepare('collection'), 'ready')
      clock.advance(3_600_000)
      assert.equal(await held.prepare('collection'), 'unavailable')
    })
  })

  describe('the PIN', () => {
    test('a wrong one, or one under another key, is refused, and nothing moves', async () => {
      const other = await simulator.provision('KE')
      const wrong = application.pin === '0000' ? '0001' : '0000'
      const request = requestFor('payout')
      const refused = await connect({}, secretsOf(application, { pin: wrong })).request(request)
      assert.deepEqual([refused.kind, 'reason' in refused ? refused.reason : ''], ['refused', '400 ROUTER115'])
      assert.deepEqual(await network.enquire(request), { kind: 'not_found' })
      const underAnother = connect({ pinScheme: 'rsa-pkcs1' }, secretsOf(application, { pinKey: other.pinKey }))
      const outcome = await underAnother.request(requestFor('payout'))
      assert.deepEqual([outcome.kind, 'reason' in outcome ? outcome.reason : ''], ['refused', '400 ROUTER116'])
    })
    test('without one there are no payouts', async () => {
      const own = connect({}, { ...secretsOf(application), pin: undefined })
      assert.deepEqual(own.directions, ['collection', 'refund'])
      assert.equal(await own.prepare('payout'), 'unavailable')
      assert.equal((await own.request(requestFor('payout'))).kind, 'refused')
    })
    test('a key that is none, weak or without effect is refused at the start, unquoted', () => {
      for (const pinKey of ['', 'planted-secret', Buffer.from('planted-secret'.repeat(9)).toString('base64'), ...Object.values(weakKeys)]) {
        assert.throws(() => connect({}, secretsOf(application, { pinKey })), (error) => (
          error instanceof Fault && error.code === 'config/invalid' && !error.message.includes('planted')
        ))
      }
    })
    test('1024 bits are for the old scheme alone', async () => {
      const { pinKey } = await simulator.provision('KE')
      assert.throws(() => connect({}, secretsOf(application, { pinKey })))
      connect({ pinScheme: 'rsa-pkcs1' }, secretsOf(application, { pinKey }))
    })
  })

  test('the balance and who a number belongs to', async () => {
    const own = connect({}, secretsOf(await simulator.provision('UG')))
    assert.equal(formatMoney(await own.balance?.() ?? money), '1000000000')
    for (const [phone, standing] of [[good, 'active'], ['+256700000068', 'inactive'], ['+256700000055', 'inactive'], ['+254733000000', 'unknown']] as const) {
      assert.equal(await own.holderOf?.(new Secret(phone)), standing)
    }
  })
  test('credentials of another country are refused by Airtel, and nothing is taken', async () => {
    const outcome = await connect({ pinScheme: 'rsa-pkcs1' }, secretsOf(await simulator.provision('ZM'))).request(requestFor('collection'))
    assert.notEqual(outcome.kind, 'taken')
  })
  test('a number or money of another country leaves nothing', async () => {
    const before_ = (await simulator.transactions()).length
    for (const changes of [{ phone: new Secret('+254733123456') }, { money: { amountMinor: 500n, currency: 'KES' } as const }]) {
      for (const direction of ['collection', 'payout'] as const) assert.equal((await network.request(requestFor(direction, good, changes))).kind, 'refused')
    }
    assert.equal((await simulator.transactions()).length, before_)
  })
  test('an answer about another transaction is not believed', async () => {
    const request = requestFor('collection')
    await network.request(request)
    await until(request, ['pending'])
    await simulator.script([{ on: 'status', do: { kind: 'another' } }])
    assert.deepEqual(await network.enquire(request), { kind: 'differs', fields: ['id'] })
  })
  test('after a restart all tokens and keys are another\'s, and money still moves once', async () => {
    const request = requestFor('payout')
    await network.request(request)
    await simulator.kill()
    await simulator.restart()
    assert.equal((await network.request(request)).kind, 'taken')
    assert.equal((await until(request, ['pending'])).kind, 'succeeded')
    assert.equal((await simulator.transactions()).filter(({ id }) => id === transactionIdOf(request.reference)).length, 1)
  })
})

/** Keys that nobody should encrypt for. */
const weakKeys = (() => {
  const shown = (key: KeyObject): string => key.export({ format: 'der', type: 'spki' }).toString('base64')
  const { n = '' } = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({ format: 'jwk' })
  return {
    rsa512: shown(generateKeyPairSync('rsa', { modulusLength: 512 }).publicKey),
    exponent1: shown(createPublicKey({ key: { kty: 'RSA', n, e: 'AQ' }, format: 'jwk' })),
    exponent3: shown(createPublicKey({ key: { kty: 'RSA', n, e: 'Aw' }, format: 'jwk' })),
    ec: shown(generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey),
  }
})()

describe('codes', () => {
  test('every row names one of our codes, how sure we are and its source', () => {
    for (const { failure, confidence, source } of Object.values(codes)) {
      assert(failureCodes.includes(failure))
      assert(['high', 'medium', 'low'].includes(confidence) && source.length > 0)
    }
  })
  test('an unknown code is the network\'s refusal, and never means that nothing was taken', () => {
    for (const code of ['', 'SOMETHING', 'DP99999999999', 'constructor', '__proto__']) {
      assert.equal(failureOf(code), 'network_refused')
      assert.equal(meaningOf(code), undefined)
    }
  })
})

describe('messages', () => {
  test('a reference becomes an id of Airtel\'s alphabet, and no two become one', () => {
    fc.assert(fc.property(fc.uuid({ version: 4 }), fc.uuid({ version: 4 }), (one, other) => {
      assert.match(transactionIdOf(one), /^[a-z0-9]{32}$/)
      assert.equal(transactionIdOf(one) === transactionIdOf(other), one === other)
    }))
  })
  test('any description becomes a reference of Airtel\'s alphabet', () => {
    const place = { country: 'UG', currency: 'UGX', callingCode: '256' }
    fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (description) => {
      const body = collectionBody(requestFor('collection', good, { description }), '752123456', place)
      assert.match((JSON.parse(Buffer.from(body).toString()) as { reference: string }).reference, /^[A-Za-z0-9 ]{4,64}$/)
    }))
  })
  test('any amount is written as it is', () => {
    fc.assert(fc.property(fc.bigInt({ min: 1n, max: 99_999_999_999_999n }), (amountMinor) => {
      const body = collectionBody(requestFor('collection', good, { money: { amountMinor, currency: 'KES' } }), '7', { country: 'KE', currency: 'KES', callingCode: '254' })
      const [, amount = ''] = /"amount":([0-9.]+)/.exec(Buffer.from(body).toString()) ?? []
      const [major = '', minor = ''] = amount.split('.')
      assert.equal(BigInt(major) * 100n + BigInt(minor.padEnd(2, '0')), amountMinor)
    }))
  })
  test('a number is its own country\'s, without the code, or none', () => {
    const place = { country: 'UG', currency: 'UGX', callingCode: '256' }
    for (const [phone, national] of [[good, '752123456'], ['+254752123456', undefined], ['+256', undefined], ['+2560752123', undefined], ['256752123456', undefined]] as const) {
      assert.equal(subscriberNumber(new Secret(phone), place), national)
    }
  })
})
