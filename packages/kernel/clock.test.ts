import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ManualClock, systemClock } from './clock.ts'

test('the system clock tells the time of the machine, in milliseconds', () => {
  const before = Date.now()
  const nowMs = systemClock.nowMs()
  assert.ok(nowMs >= before && nowMs <= Date.now())
})

test('a manual clock stands still until it is moved', () => {
  const clock = new ManualClock(1000)
  assert.equal(clock.nowMs(), 1000)
  assert.equal(clock.nowMs(), 1000)
  clock.advance(500)
  assert.equal(clock.nowMs(), 1500)
})
