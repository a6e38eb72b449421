import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PaymentDirection } from '@ngome/contracts'
import type { Manner } from './interposer.ts'
import type { NetworkUnderTest } from './network-under-test.ts'
import { bound, impatientMs, settled, type Trials } from './trial.ts'

/** Tokens: few, renewed when they ran out, and nothing sent without one. */
export function testTokens(trials: Trials, under: NetworkUnderTest, direction: PaymentDirection): void {
  if (under.hasNoTokens === true) testNoTokens(trials, under, direction)
  else testRenewal(trials, under, direction)
  for (const [name, manner] of [
    ['answers 500', { kind: 'answer', status: 500 }], ['answers 401', { kind: 'answer', status: 401 }],
    ['hangs', { kind: 'hang' }], ['cuts the connection', { kind: 'cut' }],
  ] as const) {
    test(`no token (it ${name}): away, nothing sent, an enquiry knows nothing`, async () => {
      const { interposer, requestFor, connect } = bound(trials)
      const request = await requestFor(direction)
      const connector = await connect({ requestTimeoutMs: impatientMs })
      interposer.reset()
      interposer.script('token', manner, 20)
      assert.equal(await connector.prepare(direction), 'unavailable')
      // Who signs each call needs nothing beforehand: what is not prepared is only never asked for.
      if (under.hasNoTokens === true) return
      assert.equal((await connector.request(request)).kind, 'not_sent')
      assert.equal((await connector.enquire(request)).kind, 'unknown')
      assert.equal(interposer.calls('request').length + interposer.calls('enquiry').length, 0)
    })
  }
}

/** Without tokens nothing is asked for beforehand, and a call that nobody knows the caller of is not made again. */
function testNoTokens(trials: Trials, under: NetworkUnderTest, direction: PaymentDirection): void {
  const stranger: Manner = { kind: 'answer', ...under.tokenExpired }
  test('calls need nothing beforehand', async () => {
    const { interposer, requestFor, connect } = bound(trials)
    const requests = await Promise.all(Array.from({ length: 5 }, () => requestFor(direction)))
    const connector = await connect()
    interposer.reset()
    const outcomes = await Promise.all(requests.map((request) => connector.request(request)))
    assert.deepEqual(outcomes.map(({ kind }) => kind), requests.map(() => 'taken'))
    assert.equal(interposer.calls('token').length, 0)
  })
  test('a network that does not know who calls is asked once, and nobody guesses', async () => {
    const { connector, interposer, requestFor } = bound(trials)
    const request = await requestFor(direction)
    interposer.reset()
    interposer.script('request', stranger, 20)
    interposer.script('enquiry', stranger, 20)
    assert.equal((await connector.request(request)).kind, 'unknown')
    assert.equal((await connector.enquire(request)).kind, 'unknown')
    assert.deepEqual([interposer.calls('request').length, interposer.calls('enquiry').length], [1, 1])
  })
}

function testRenewal(trials: Trials, under: NetworkUnderTest, direction: PaymentDirection): void {
  const expired: Manner = { kind: 'answer', ...under.tokenExpired }
  test('one token serves many calls at once', async () => {
    const { interposer, requestFor, connect } = bound(trials)
    const requests = await Promise.all(Array.from({ length: 5 }, () => requestFor(direction)))
    const connector = await connect()
    interposer.reset()
    const outcomes = await Promise.all(requests.map((request) => connector.request(request)))
    assert.deepEqual(outcomes.map(({ kind }) => kind), requests.map(() => 'taken'))
    assert.equal(interposer.calls('token').length, 1)
  })
  test('a token that ran out at the request: a new one, and the money moves once', async () => {
    const { connector, interposer, requestFor, moved } = bound(trials)
    const request = await requestFor(direction)
    await connector.prepare(direction)
    interposer.reset()
    interposer.script('request', expired)
    assert.equal((await connector.request(request)).kind, 'taken')
    assert.equal(interposer.calls('token').length, 1)
    assert.equal(await moved(request), 1)
  })
  test('a token that ran out at the enquiry: a new one, and an answer', async () => {
    const { connector, interposer, requestFor } = bound(trials)
    const request = await requestFor(direction)
    await connector.request(request)
    await settled(connector, request)
    interposer.script('enquiry', expired)
    assert.equal((await connector.enquire(request)).kind, 'succeeded')
  })
  test('a network that takes no token at all is asked twice at most, and nobody guesses', async () => {
    const { connector, interposer, requestFor } = bound(trials)
    const request = await requestFor(direction)
    interposer.reset()
    interposer.script('request', expired, 20)
    interposer.script('enquiry', expired, 20)
    assert.notEqual((await connector.request(request)).kind, 'taken')
    assert.equal((await connector.enquire(request)).kind, 'unknown')
    assert(interposer.calls('request').length <= 2 && interposer.calls('enquiry').length <= 2)
  })
}
