import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ConcurrencyLimit, concurrencyBounds, shares, type Urgency } from './concurrency-limit.ts'

test('the limit never leaves its bounds, and each kind has its part of it', () => {
  const limit = new ConcurrencyLimit(0)
  assert.equal(limit.limit, concurrencyBounds.startsAt)
  const fill = (urgency: Urgency): number => {
    let count = 0
    for (; limit.hasRoom(urgency); count++) limit.begin()
    return count
  }
  assert.deepEqual([fill('deferrable'), fill('ordinary'), fill('vital')], [256, 154, 102])
  for (let nowMs = 0, left = limit.inFlight; nowMs < 25_000; nowMs += 10) {
    limit.end('x', nowMs < 5_000 ? 1 : 500, nowMs)
    limit.hasRoom('deferrable')
    limit.begin()
    assert.ok(limit.limit >= concurrencyBounds.min && limit.limit <= concurrencyBounds.max)
    assert.equal(limit.inFlight, left)
  }
  assert.equal(limit.limit, concurrencyBounds.min)
})

/** Half a minute of answers, one each 10 ms. */
function answers(limit: ConcurrencyLimit, fromMs: number, ms: number, each: () => void = () => undefined): void {
  for (let nowMs = fromMs; nowMs < fromMs + 30_000; nowMs += 10) {
    each()
    limit.begin()
    limit.end('x', ms, nowMs)
  }
}

test('slow answers alone lower nothing: only somebody who found no room does', () => {
  const limit = new ConcurrencyLimit(0)
  answers(limit, 0, 1)
  answers(limit, 30_000, 5_000)
  assert.equal(limit.limit, concurrencyBounds.startsAt)
  const full = Array.from({ length: concurrencyBounds.startsAt }, () => limit.begin()).length
  answers(limit, 60_000, 5_000, () => assert.equal(limit.hasRoom('vital'), false))
  assert.equal(limit.limit, concurrencyBounds.min)
  assert.equal(limit.inFlight, full)
})

test('what an overload taught is forgotten after it, up to where it began, and no further by itself', () => {
  const limit = new ConcurrencyLimit(0)
  answers(limit, 0, 1)
  for (let at = 0; at < concurrencyBounds.startsAt; at++) limit.begin()
  answers(limit, 30_000, 500, () => limit.hasRoom('deferrable'))
  assert.equal(limit.limit, concurrencyBounds.min)
  for (let at = 0; at < concurrencyBounds.startsAt; at++) limit.end('x', 1, 60_000)
  answers(limit, 60_000, 1)
  const { startsAt } = concurrencyBounds
  assert.ok(limit.limit >= startsAt && limit.limit < startsAt + Math.sqrt(startsAt), String(limit.limit))
})

test('what is vital may fill it all, and what can wait half', () => {
  assert.equal(shares.vital, 1)
  assert.ok(shares.deferrable < shares.ordinary && shares.ordinary < shares.vital)
})

test('deciding and counting costs a request below a microsecond and a half of processor time', () => {
  const limit = new ConcurrencyLimit(0)
  const rounds = 300_000
  const once = (): number => {
    const before = process.threadCpuUsage()
    for (let at = 0; at < rounds; at++) {
      if (limit.hasRoom('vital')) limit.begin()
      limit.end('x', 1, at)
    }
    return process.threadCpuUsage(before).user / rounds
  }
  once()
  assert.ok(Math.min(once(), once(), once()) < 1.5)
})
