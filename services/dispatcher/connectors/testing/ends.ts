import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PaymentDirection } from '@ngome/contracts'
import type { NetworkUnderTest } from './network-under-test.ts'
import { bound, settled, type Trials } from './trial.ts'

/** Every documented end, as our codes say it, and the reference that money moves under once. */
export function testEnds(trials: Trials, under: NetworkUnderTest, direction: PaymentDirection): void {
  test('is taken, and succeeds', async () => {
    const { connector, requestFor, moved } = bound(trials)
    const request = await requestFor(direction)
    assert.equal(await connector.prepare(direction), 'ready')
    assert.deepEqual(await connector.request(request), { kind: 'taken' })
    assert.equal((await settled(connector, request)).kind, 'succeeded')
    assert.equal(await moved(request), 1)
  })
  for (const { phone, failure } of under.fails[direction]) {
    test(`${phone} is taken, and ends as ${failure}`, async () => {
      const { connector, requestFor } = bound(trials)
      const request = await requestFor(direction, { to: phone })
      assert.deepEqual(await connector.request(request), { kind: 'taken' })
      const end = await settled(connector, request)
      assert.deepEqual([end.kind, end.kind === 'failed' ? end.failure : ''], ['failed', failure])
    })
  }
  for (const { phone, failure } of under.refuses[direction]) {
    test(`${phone} is refused as ${failure}, and the network does not know it`, async () => {
      const { connector, requestFor, moved } = bound(trials)
      const request = await requestFor(direction, { to: phone })
      const outcome = await connector.request(request)
      assert.deepEqual([outcome.kind, outcome.kind === 'refused' ? outcome.failure : ''], ['refused', failure])
      assert.deepEqual(await connector.enquire(request), { kind: 'not_found' })
      assert.equal(await moved(request), 0)
    })
  }
  if (under.reverses.includes(direction)) {
    test('what succeeded and was taken back is reversed, however often it is asked about', async () => {
      const { connector, running, requestFor } = bound(trials)
      const request = await requestFor(direction)
      await connector.request(request)
      assert.equal((await settled(connector, request)).kind, 'succeeded')
      await running.reverse?.(request.reference)
      for (let asked = 0; asked < 2; asked++) assert.equal((await connector.enquire(request)).kind, 'reversed')
    })
  }
  test('what was never asked for is not found', async () => {
    const { connector, requestFor } = bound(trials)
    assert.deepEqual(await connector.enquire(await requestFor(direction)), { kind: 'not_found' })
  })
  test('the same reference again is taken, and moves money once', async () => {
    const { connector, requestFor, moved } = bound(trials)
    const request = await requestFor(direction)
    await connector.request(request)
    assert.deepEqual(await connector.request(request), { kind: 'taken' })
    await settled(connector, request)
    assert.deepEqual(await connector.request(request), { kind: 'taken' })
    assert.equal(await moved(request), 1)
  })
  test('the same reference six times at once moves money once', async () => {
    const { connector, requestFor, moved } = bound(trials)
    const request = await requestFor(direction)
    const outcomes = await Promise.all(Array.from({ length: 6 }, () => connector.request(request)))
    assert(outcomes.every(({ kind }) => kind === 'taken' || kind === 'unknown'))
    assert.equal((await settled(connector, request)).kind, 'succeeded')
    assert.equal(await moved(request), 1)
  })
}
