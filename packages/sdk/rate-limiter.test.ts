import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { parseRateLimit, parseRateLimitPolicy, parseRetryAfter } from './rate-limit-fields.ts'
import { RateLimiter } from './rate-limiter.ts'
import { backoffLastMs, backoffMs } from './retry.ts'
import { ServerLimits } from './server-limits.ts'
import { VirtualRuntime } from './testing/virtual-runtime.ts'

const free = new AbortController().signal
const call = { operation: 'getPayment', cost: 1 }

suite('the limiter', () => {
  test('lets no more than burst + rate × span leave in any span, whatever comes when, and however late timers are', async () => {
    const arrivals = fc.array(fc.record({ afterMs: fc.integer({ min: 0, max: 400 }), count: fc.integer({ min: 1, max: 8 }) }), { minLength: 1, maxLength: 10 })
    await fc.assert(fc.asyncProperty(arrivals, fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 10 }), fc.integer({ min: 0, max: 900 }), async (waves, ratePerS, burst, lateMs) => {
      const virtual = new VirtualRuntime()
      const runtime = { elapsedMs: virtual.elapsedMs, after: (ms: number, work: () => void) => virtual.after(ms + lateMs, work) }
      const limiter = new RateLimiter({ ratePerS, burst, queueMax: 1_000 }, new ServerLimits(), runtime)
      const left: number[] = []
      let asked = 0
      for (const { afterMs, count } of waves) {
        await virtual.pass(afterMs)
        for (let at = 0; at < count; at++, asked++) void limiter.turn(call, 1e9, free).then(() => left.push(runtime.elapsedMs()))
      }
      await virtual.pass((1_000 / ratePerS + lateMs) * (asked + 1))
      assert.equal(left.length, asked)
      for (const [from, first] of left.entries()) {
        for (const [to, last] of left.entries()) {
          if (to >= from) assert.ok(to - from + 1 <= burst + ratePerS * (last - first) / 1_000 + 1e-6)
        }
      }
    }), { numRuns: 30, endOnFailure: true })
  })

  test('lets go in the order in which they came', async () => {
    const runtime = new VirtualRuntime()
    const limiter = new RateLimiter({ ratePerS: 10, burst: 1, queueMax: 100 }, new ServerLimits(), runtime)
    const order: number[] = []
    for (let at = 0; at < 20; at++) void limiter.turn(call, 1e9, free).then(() => order.push(at))
    await runtime.pass(5_000)
    assert.deepEqual(order, Array.from({ length: 20 }, (_, at) => at))
  })

  test('gives back the place of one who does not wait any more', async () => {
    const runtime = new VirtualRuntime()
    const limiter = new RateLimiter({ ratePerS: 1, burst: 1, queueMax: 2 }, new ServerLimits(), runtime)
    const controller = new AbortController()
    assert.equal(await limiter.turn(call, 1e9, free), true)
    const leaves = limiter.turn(call, 1e9, controller.signal)
    const stays = limiter.turn(call, 1e9, free)
    await assert.rejects(limiter.turn(call, 1e9, free), { code: 'sdk/rate_limited' })
    controller.abort()
    assert.equal(await leaves, false)
    await runtime.pass(1_000)
    assert.equal(await stays, true)
    assert.equal(await limiter.turn(call, 1e9, controller.signal), false)
  })

  test('refuses at once what would wait too long, and takes nothing for it', async () => {
    const runtime = new VirtualRuntime()
    const limiter = new RateLimiter({ ratePerS: 1, burst: 1, queueMax: 100 }, new ServerLimits(), runtime)
    await limiter.turn(call, 0, free)
    for (let at = 0; at < 50; at++) await assert.rejects(limiter.turn(call, 900, free), { code: 'sdk/rate_limited', retryAfterS: 1 })
    await runtime.pass(1_000)
    assert.equal(await limiter.turn(call, 0, free), true)
  })
})

suite('the server\'s limits', () => {
  test('count what is under way: no more leave than were said to remain', async () => {
    const runtime = new VirtualRuntime()
    const server = new ServerLimits()
    const limiter = new RateLimiter({ ratePerS: 1_000, burst: 1_000, queueMax: 1_000 }, server, runtime)
    let left = 0
    for (let at = 0; at < 5; at++) await limiter.turn(call, 0, free)
    server.ended(call)
    // Four are still under way, and may not be in this count yet.
    server.note(call, { quotas: [{ name: 'key', remaining: 6, resetS: 10 }], policies: [] }, runtime.elapsedMs())
    for (let at = 0; at < 20; at++) void limiter.turn(call, 1e9, free).then(() => left++)
    await runtime.pass(9_999)
    assert.equal(left, 2)
    await runtime.pass(2)
    assert.equal(left, 20)
  })

  test('are as many as fit, and one without a time is asked about again after a second', () => {
    const server = new ServerLimits()
    server.note(call, { quotas: Array.from({ length: 100 }, (_, at) => ({ name: String(at), remaining: at < 64 ? 1 : 0, resetS: 60 })), policies: [] }, 0)
    assert.equal(server.delayMs(call, 0), 0)
    server.note(call, { quotas: [{ name: '0', remaining: 0, resetS: undefined }], policies: [] }, 0)
    assert.equal(server.delayMs(call, 0), 1_000)
    assert.equal(server.delayMs(call, 1_000), 0)
  })

  test('with a policy come back token by token: a call waits for those that it takes, and no longer', () => {
    const server = new ServerLimits()
    const policies = parseRateLimitPolicy('"key";q=1000;w=2, "route";q=100;w=1')
    server.note(call, { quotas: parseRateLimit('"key";r=0;t=1'), policies }, 0)
    assert.deepEqual([1, 5, 50, 5_000].map((cost) => server.delayMs({ ...call, cost }, 0)), [2, 10, 100, 2_000])
    assert.equal(server.delayMs({ ...call, cost: 5 }, 4), 6)
    assert.equal(server.delayMs(call, 4), 0)
    server.took(call)
    assert.equal(server.delayMs({ ...call, cost: 5 }, 4), 8)
  })

  test('of a route hold calls of its operation alone', () => {
    const server = new ServerLimits()
    server.note(call, { quotas: parseRateLimit('"route";r=0;t=1'), policies: parseRateLimitPolicy('"route";q=10;w=10') }, 0)
    const other = { operation: 'createPayment', cost: 5 }
    assert.deepEqual([server.delayMs(call, 0), server.delayMs(other, 0)], [1_000, 0])
  })

  test('as the server keeps them are never passed by who heard of them once', () => {
    const calls = fc.array(fc.record({ cost: fc.integer({ min: 1, max: 50 }), restMs: fc.integer({ min: 0, max: 500 }) }), { minLength: 1, maxLength: 60 })
    fc.assert(fc.property(fc.integer({ min: 50, max: 1_000 }), fc.integer({ min: 1, max: 20 }), fc.nat(50), calls, (quota, windowS, remaining, many) => {
      const server = new ServerLimits()
      server.note(call, { quotas: [{ name: 'key', remaining, resetS: 1 }], policies: [{ name: 'key', quota, windowS }] }, 0)
      let nowMs = 0
      let level = Math.min(quota, remaining)
      for (const { cost, restMs } of many) {
        const price = { ...call, cost }
        const waitMs = restMs + server.delayMs(price, nowMs + restMs)
        nowMs += waitMs
        assert.equal(server.delayMs(price, nowMs), 0)
        server.took(price)
        server.ended(price)
        level = Math.min(quota, level + waitMs * quota / (windowS * 1_000)) - Math.min(cost, quota)
        assert.ok(level >= -1e-3, `${level}`)
      }
    }))
  })
})

suite('a RateLimit field', () => {
  const fields: readonly (readonly [string | undefined, readonly unknown[]])[] = [
    ['"key";r=98;t=1', [['key', 98, 1]]],
    ['"key";r=98;t=1, "merchant";r=0;t=59', [['key', 98, 1], ['merchant', 0, 59]]],
    ['default;r=5', [['default', 5, undefined]]],
    ['"a,b;r=1";t=7;r=2;pk=:cHNl:', [['a,b;r=1', 2, 7]]],
    ['"q";q=100;w=1', []],
    ['"key";r=-1;t=1', []],
    ['"key";r=1.5', []],
    ['limit=10, remaining=5', []],
    ['"key;r=1', []],
    ['', []],
    [undefined, []],
    [`"${'k'.repeat(2_000)}";r=1`, []],
  ]
  for (const [field, expected] of fields) {
    test(`${field?.slice(0, 40)} says ${JSON.stringify(expected)}`, () => {
      assert.deepEqual(parseRateLimit(field).map(({ name, remaining, resetS }) => [name, remaining, resetS]), expected)
    })
  }

  test('of policies has quotas and their windows, and leaves out what has none', () => {
    assert.deepEqual(parseRateLimitPolicy('"key";q=1000;w=2, "burst";q=5, "none";q=0;w=1, "odd";q=1;w=0, "route";w=3;q=7;pk=:cHNl:'),
      [{ name: 'key', quota: 1_000, windowS: 2 }, { name: 'route', quota: 7, windowS: 3 }])
    assert.deepEqual(parseRateLimitPolicy(undefined), [])
  })

  test('of any text is read without an error, and in no time', () => {
    fc.assert(fc.property(fc.string({ maxLength: 1_100 }), (field) => { parseRateLimit(field) }))
    const startedAtMs = performance.now()
    // With the cube of its length these would be minutes.
    for (const part of Array.from({ length: 50 }, () => ['"', ';a', ';a=1', ';a="', '\\', ',', '";r=1,']).flat()) parseRateLimit(`"k"${part.repeat(1_024 / part.length)}`.slice(0, 1_024))
    assert.ok(performance.now() - startedAtMs < 30_000)
  })
})

test('Retry-After is seconds or a date, and nothing else', () => {
  const nowMs = Date.UTC(2027, 0, 1)
  const cases: readonly (readonly [string, number | undefined])[] = [
    ['0', 0], ['120', 120], ['Fri, 01 Jan 2027 00:00:30 GMT', 30], ['Thu, 31 Dec 2026 00:00:00 GMT', 0],
    ['-1', undefined], ['1.5', undefined], ['soon', undefined], ['GMT', undefined], ['', undefined],
  ]
  for (const [field, expected] of cases) assert.equal(parseRetryAfter(field, nowMs), expected, field)
})

test('a wait before a retry is never below what the server asked for, nor above that and its own bound', () => {
  const dice = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
  fc.assert(fc.property(fc.integer({ min: 1, max: 40 }), fc.option(fc.integer({ min: 0, max: 1e6 }), { nil: undefined }), dice, (attempts, retryAfterS, random) => {
    const ms = backoffMs(attempts, retryAfterS, random)
    const askedMs = (retryAfterS ?? 0) * 1_000
    assert.ok(ms >= askedMs && ms < askedMs + Math.min(backoffLastMs, 250 * 2 ** (attempts - 1)))
  }))
  assert.equal(backoffMs(3, undefined, 0), 0)
  assert.equal(backoffMs(3, undefined, 0.999_999), 999)
})
