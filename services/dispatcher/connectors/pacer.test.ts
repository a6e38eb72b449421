import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ManualClock, systemClock } from '@ngome/kernel'
import { Pacer } from './pacer.ts'

test('the pacer spreads calls evenly and turns away who would wait too long', async () => {
  const clock = new ManualClock(0)
  const pacer = new Pacer(10, clock)
  assert.equal(await pacer.turn(0), true)
  assert.equal(await pacer.turn(99), false)
  clock.advance(100)
  assert.equal(await pacer.turn(0), true)
  const real = new Pacer(100, systemClock)
  const startedAtMs = systemClock.nowMs()
  await Promise.all(Array.from({ length: 11 }, () => real.turn(1_000)))
  assert(systemClock.nowMs() - startedAtMs >= 95)
})
