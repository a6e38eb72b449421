import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PaymentDirection } from '@ngome/contracts'
import type { Manner } from './interposer.ts'
import type { NetworkUnderTest } from './network-under-test.ts'
import { bound, impatientMs, settled, type Trials } from './trial.ts'

/** Tokens: few, renewed when they ran out, and nothing sent without one. */
export function testTokens(trials: Trials, under: NetworkUnderTest, direction: PaymentDirection): void {
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
      assert.equal((await connector.request(request)).kind, 'not_sent')
      assert.equal((await connector.enquire(request)).kind, 'unknown')
      assert.equal(interposer.calls('request').length + interposer.calls('enquiry').length, 0)
    })
  }
}
