import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { rateLimitField, rateLimitPolicyField } from './fields.ts'
import { IdleTable } from './idle-table.ts'
import { OwnMeter, spendAll, spendThree } from './meter.ts'
import { burstMax, nano, paceOf, shareOf, type Limit } from './pace.ts'
import { TokenBucket } from './token-bucket.ts'

const secondUs = 1_000_000
const limits = fc.record({ ratePerS: fc.integer({ min: 1, max: 5_000 }), burst: fc.integer({ min: 1, max: 5_000 }) }, { noNullPrototype: true })
/** A clock that ticks, stands, jumps ahead and back. */
const steps = fc.array(fc.record({
  us: fc.oneof({ weight: 6, arbitrary: fc.integer({ min: 0, max: 50_000 }) }, { weight: 1, arbitrary: fc.integer({ min: -10 * secondUs, max: 10 * secondUs }) }),
  cost: fc.integer({ min: 1, max: 60 }),
  times: fc.integer({ min: 1, max: 40 }),
}), { maxLength: 120 })

/** Holds every window of a schedule to the limit; `clockUs` is how far the clock ever was. */
function assertBounded(spent: readonly { readonly clockUs: number; readonly cost: number }[], { ratePerS, burst }: Limit): void {
  for (let from = 0; from < spent.length; from++) {
    let sum = 0
    for (let to = from; to < spent.length; to++) {
      sum += spent[to]?.cost ?? 0
      const windowUs = (spent[to]?.clockUs ?? 0) - (spent[from]?.clockUs ?? 0)
      assert.ok(sum * secondUs <= burst * secondUs + ratePerS * windowUs, `${sum} in ${windowUs} µs`)
    }
  }
}

describe('a token bucket', () => {
  test('never gives more than burst + rate × window in any window, whatever the schedule and the clock', () => {
    fc.assert(fc.property(limits, fc.integer({ min: 0, max: 3 * secondUs }), steps, (limit, ageUs, schedule) => {
      let nowUs = 7 * secondUs
      const bucket = new TokenBucket(paceOf(limit), nowUs - ageUs, nowUs)
      let clockUs = nowUs
      const spent: { clockUs: number; cost: number }[] = []
      for (const { us, cost, times } of schedule) {
        nowUs = Math.max(0, nowUs + us)
        clockUs = Math.max(clockUs, nowUs)
        for (let n = 0; n < times && bucket.canSpend(cost, nowUs); n++) {
          bucket.spend(cost)
          spent.push({ clockUs, cost: Math.min(cost, limit.burst) })
        }
      }
      assertBounded(spent, limit)
    }))
  })

  test('the check of windows notices one token too many', () => {
    const limit = { ratePerS: 1, burst: 2 }
    assert.throws(() => assertBounded([{ clockUs: 0, cost: 2 }, { clockUs: secondUs, cost: 2 }], limit))
    assertBounded([{ clockUs: 0, cost: 2 }, { clockUs: secondUs, cost: 1 }], limit)
  })

  test('gives exactly its burst at once, and exactly its rate from then on, however often one looks', () => {
    fc.assert(fc.property(limits, fc.integer({ min: 1, max: 2_000 }), (limit, lookUs) => {
      const bucket = new TokenBucket(paceOf(limit), 0, Number.MAX_SAFE_INTEGER / nano)
      const startUs = 1e10
      let given = 0
      const take = (nowUs: number): void => {
        for (; bucket.canSpend(1, nowUs); given++) bucket.spend(1)
      }
      take(startUs)
      assert.equal(given, limit.burst)
      for (let n = 1; n <= 300; n++) take(startUs + n * lookUs)
      // A level is lost only where it reaches the brim, which a bucket that is emptied at each look does not but for huge steps.
      const most = Math.floor(300 * lookUs * limit.ratePerS / secondUs)
      if (lookUs * limit.ratePerS <= limit.burst * secondUs / 2) assert.ok(given - limit.burst <= most && given - limit.burst >= most - 1, `${given - limit.burst} of ${most}`)
    }), { numRuns: 50 })
  })

  test('says when to come again, and keeps the word to the microsecond', () => {
    fc.assert(fc.property(limits, fc.integer({ min: 1, max: 80 }), (limit, cost) => {
      const bucket = new TokenBucket(paceOf(limit), 0, 1e12)
      while (bucket.canSpend(cost, 1e12)) bucket.spend(cost)
      const waitUs = bucket.waitUs(cost, 1e12)
      assert.ok(!bucket.canSpend(cost, 1e12 + waitUs - 1))
      assert.ok(bucket.canSpend(cost, 1e12 + waitUs))
    }))
  })

  test('says when one more token is there, and keeps the word to the microsecond', () => {
    fc.assert(fc.property(limits, fc.integer({ min: 0, max: 5_000 }), fc.integer({ min: 0, max: 2 * secondUs }), (limit, cost, afterUs) => {
      const bucket = new TokenBucket(paceOf(limit), 0, 1e12)
      bucket.spend(cost)
      const nowUs = 1e12 + afterUs
      const [left, moreInUs] = [bucket.remaining(nowUs), bucket.moreInUs(nowUs)]
      if (moreInUs === 0) return assert.equal(left, limit.burst)
      assert.equal(bucket.remaining(nowUs + moreInUs - 1), left)
      return assert.equal(bucket.remaining(nowUs + moreInUs), left + 1)
    }))
  })

  test('begins with what its rate could have filled since its keeper began', () => {
    const pace = paceOf({ ratePerS: 10, burst: 100 })
    assert.equal(new TokenBucket(pace, 0, 0).remaining(0), 0)
    assert.equal(new TokenBucket(pace, 0, secondUs).remaining(secondUs), 10)
    assert.equal(new TokenBucket(pace, 0, 60 * secondUs).remaining(60 * secondUs), 100)
  })

  test('that takes on another pace keeps what was spent', () => {
    const bucket = new TokenBucket(paceOf({ ratePerS: 1, burst: 100 }), 0, 1e12)
    bucket.spend(95)
    bucket.pace = paceOf({ ratePerS: 1, burst: 1_000 })
    assert.equal(bucket.remaining(1e12), 5)
    bucket.pace = paceOf({ ratePerS: 1, burst: 2 })
    assert.equal(bucket.remaining(1e12), 2)
  })

  test('takes a cost above its burst for its whole burst', () => {
    const bucket = new TokenBucket(paceOf({ ratePerS: 1, burst: 20 }), 0, 1e12)
    assert.ok(bucket.canSpend(50, 1e12))
    bucket.spend(50)
    assert.deepEqual([bucket.remaining(1e12), bucket.canSpend(1, 1e12)], [0, false])
  })

  test('in equal parts is never more than the whole', () => {
    fc.assert(fc.property(limits, fc.integer({ min: 1, max: 64 }), (limit, parts) => {
      const [whole, part] = [paceOf(limit), shareOf(paceOf(limit), parts)]
      assert.ok(part.gain * parts <= whole.gain && part.capacity * parts <= whole.capacity)
    }))
  })

  for (const bad of [{ ratePerS: 0, burst: 1 }, { ratePerS: 1, burst: 0 }, { ratePerS: 1.5, burst: 2 }, { ratePerS: 1, burst: burstMax + 1 }, { ratePerS: Number.NaN, burst: 1 }]) {
    test(`is not made of ${JSON.stringify(bad)}`, () => assert.throws(() => paceOf(bad), RangeError))
  }
})

describe('a table of buckets', () => {
  const pace = paceOf({ ratePerS: 1, burst: 10 })
  const newTable = (gone: TokenBucket[] = []) => new IdleTable<string, TokenBucket>({
    max: 50, isIdle: (bucket, nowUs) => bucket.fullInUs(nowUs) === 0, onGone: (bucket) => void gone.push(bucket),
  })
  const full = () => new TokenBucket(pace, 0, 1e12)
  const spent = () => {
    const bucket = full()
    bucket.spend(10)
    return bucket
  }

  test('never grows past its bound, and never forgets what was spent, however many names somebody makes up', () => {
    fc.assert(fc.property(fc.array(fc.boolean(), { minLength: 60, maxLength: 400 }), (isSpent) => {
      const table = newTable()
      const kept: string[] = []
      for (const [at, one] of isSpent.entries()) {
        if (table.add(`name ${at}`, one ? spent() : full(), 1e12) && one) kept.push(`name ${at}`)
        assert.ok(table.size <= 50)
      }
      for (const name of kept) assert.equal(table.get(name)?.remaining(1e12), 0, name)
    }))
  })

  test('has no room where nothing is idle, and has it again when time filled the buckets', () => {
    const gone: TokenBucket[] = []
    const table = newTable(gone)
    for (let n = 0; n < 50; n++) assert.ok(table.add(`name ${n}`, spent(), 1e12))
    for (let n = 0; n < 100; n++) assert.equal(table.add('one more', full(), 1e12), false)
    assert.equal(gone.length, 0)
    const laterUs = 1e12 + 10 * secondUs
    assert.ok(Array.from({ length: 4 }, () => table.add('one more', full(), laterUs)).includes(true))
    assert.ok(gone.length > 0 && table.size <= 50)
  })

  test('forgets nobody while there is room, so that who calls now and then is not made anew each time', () => {
    const table = newTable()
    for (let n = 0; n < 25; n++) table.add(`name ${n}`, full(), 1e12)
    assert.equal(table.size, 25)
  })

  test('shrinks by itself while others come', () => {
    const table = newTable()
    for (let n = 0; n < 5_000; n++) table.add(`name ${n}`, full(), 1e12)
    assert.ok(table.size < 50, String(table.size))
  })
})

test('three limits pay together what each of them pays alone, or none does', () => {
  const three = fc.tuple(limits, limits, limits)
  fc.assert(fc.property(three, fc.array(fc.integer({ min: 1, max: 3_000 }), { maxLength: 20 }), (each, costs) => {
    const newMeter = (limit: Limit): OwnMeter => new OwnMeter(limit, { paceOf, sinceUs: 0, nowUs: 1e12 })
    const [one, other] = [each.map(newMeter), each.map(newMeter)] as const
    const [key = assert.fail(), merchant = assert.fail(), route = assert.fail()] = one
    for (const cost of costs) {
      const short = spendAll(other, cost, 1e12)
      assert.equal(spendThree(key, merchant, route, cost, 1e12), short === undefined ? undefined : one[other.indexOf(short)])
      assert.deepEqual(one.map((meter) => meter.remaining(1e12)), other.map((meter) => meter.remaining(1e12)))
    }
  }))
})

test('the fields are those of the draft', () => {
  assert.equal(rateLimitPolicyField([['key', { ratePerS: 500, burst: 1_000 }], ['merchant', { ratePerS: 3, burst: 10 }]]), '"key";q=1000;w=2, "merchant";q=10;w=4')
  assert.equal(rateLimitField({ name: 'key', remaining: 987, moreInS: 1 }), '"key";r=987;t=1')
})
