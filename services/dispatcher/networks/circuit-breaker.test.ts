import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ManualClock } from '@ngome/kernel'
import fc from 'fast-check'
import { CircuitBreaker, failuresMin, pauseMaxMs, pauseMinMs, probeMs, windowMs } from './circuit-breaker.ts'

const startMs = 1_000_000
function open(): { readonly breaker: CircuitBreaker; readonly clock: ManualClock } {
  const clock = new ManualClock(startMs)
  const breaker = new CircuitBreaker(clock)
  for (let of = 0; of < failuresMin; of++) breaker.failed(breaker.era, `payment ${of}`)
  return { breaker, clock }
}

describe('a breaker', () => {
  test('opens by failures of so many payments, and lets one through after a pause', () => {
    const { breaker, clock } = open()
    assert.deepEqual([breaker.state, breaker.status, breaker.mayPass()], ['open', 'down', false])
    clock.advance(pauseMinMs - 1)
    assert.equal(breaker.mayPass(), false)
    clock.advance(1)
    assert.deepEqual([breaker.mayPass(), breaker.mayPass(), breaker.state, breaker.status], [true, false, 'half_open', 'down'])
    breaker.worked(breaker.era)
    assert.deepEqual([breaker.mayPass(), breaker.state, breaker.status], [true, 'closed', 'operational'])
  })
  test('waits twice as long after each one that failed, and a minute at most', () => {
    const { breaker, clock } = open()
    const pauses = [pauseMinMs, 10_000, 20_000, 40_000, pauseMaxMs, pauseMaxMs]
    for (const pauseMs of pauses) {
      clock.advance(pauseMs - 1)
      assert.equal(breaker.mayPass(), false)
      clock.advance(1)
      assert.equal(breaker.mayPass(), true)
      breaker.failed(breaker.era, 'payment')
    }
  })
  test('lets another through where the one died on the way', () => {
    const { breaker, clock } = open()
    clock.advance(pauseMinMs)
    assert.equal(breaker.mayPass(), true)
    clock.advance(probeMs - 1)
    assert.equal(breaker.mayPass(), false)
    clock.advance(1)
    assert.equal(breaker.mayPass(), true)
  })
  test('is not opened by one payment that fails for ever, nor by a few among many', () => {
    const clock = new ManualClock(startMs)
    const breaker = new CircuitBreaker(clock)
    for (let times = 0; times < 100; times++) breaker.failed(breaker.era, 'the same')
    assert.equal(breaker.state, 'closed')
    for (let times = 0; times < 20; times++) breaker.worked(breaker.era)
    for (let of = 0; of < failuresMin * 2; of++) breaker.failed(breaker.era, `payment ${of}`)
    assert.deepEqual([breaker.state, breaker.status], ['closed', 'degraded'])
    clock.advance(windowMs)
    assert.equal(breaker.status, 'operational')
  })
  test('counts who waits for the same token once a second', () => {
    const clock = new ManualClock(startMs)
    const breaker = new CircuitBreaker(clock)
    for (let second = 0; second < failuresMin; second++) {
      assert.equal(breaker.state, 'closed')
      for (let times = 0; times < 50; times++) breaker.failed(breaker.era)
      clock.advance(1_000)
    }
    assert.equal(breaker.state, 'open')
  })
  test('does not believe what was asked before it opened', () => {
    const clock = new ManualClock(startMs)
    const breaker = new CircuitBreaker(clock)
    const { era } = breaker
    for (let of = 0; of < failuresMin; of++) breaker.failed(era, `payment ${of}`)
    clock.advance(pauseMinMs)
    assert.equal(breaker.mayPass(), true)
    breaker.worked(era)
    breaker.failed(era, 'late')
    assert.equal(breaker.state, 'half_open')
  })
  test('waits for no time that a clock was set back over', () => {
    const { breaker, clock } = open()
    clock.advance(-3_600_000)
    assert.equal(breaker.mayPass(), true)
  })
})

const step = fc.oneof(
  fc.record({ does: fc.constant('pass' as const) }),
  fc.record({ does: fc.constant('advance' as const), ms: fc.integer({ min: 1, max: 2 * pauseMaxMs }) }),
  fc.record({ does: fc.constantFrom('works' as const, 'fails' as const), of: fc.integer({ min: 0, max: 9 }) }),
)

test('whatever happens: open lets nobody through before its pause, half-open one, and nothing is shut for ever', () => {
  fc.assert(fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
    const clock = new ManualClock(startMs)
    const breaker = new CircuitBreaker(clock)
    let openedMs = 0
    let passedMs = -Infinity
    const failedAt = new Map<number, number>()
    for (const one of steps) {
      const before = breaker.state
      if (one.does === 'advance') clock.advance(one.ms)
      else if (one.does === 'works') breaker.worked(breaker.era)
      else if (one.does === 'fails') {
        failedAt.set(one.of, clock.nowMs())
        breaker.failed(breaker.era, `payment ${one.of}`)
      } else if (breaker.mayPass()) {
        if (before === 'open') assert.ok(clock.nowMs() - openedMs >= pauseMinMs)
        if (before === 'half_open') assert.ok(clock.nowMs() - passedMs >= probeMs)
        passedMs = clock.nowMs()
      } else assert.ok(before !== 'closed')
      if (breaker.state !== 'open' || before === 'open') continue
      openedMs = clock.nowMs()
      const recent = [...failedAt.values()].filter((atMs) => openedMs - atMs < windowMs).length
      assert.ok(before === 'half_open' || recent >= failuresMin)
    }
    clock.advance(Math.max(pauseMaxMs, probeMs))
    assert.ok(breaker.mayPass())
  }))
})
