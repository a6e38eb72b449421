import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { BucketBlock, Places } from './bucket-block.ts'
import { rateLimitField, rateLimitPolicyField } from './fields.ts'
import { IdleTable } from './idle-table.ts'
import { OwnMeter, spendAll } from './meter.ts'
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
      // What comes is lost only where it passes the brim: a bucket that is emptied at each look holds less than one token then.
      const most = Math.floor(300 * lookUs * limit.ratePerS / secondUs)
      if (lookUs * limit.ratePerS <= (limit.burst - 1) * secondUs) assert.ok(given - limit.burst <= most && given - limit.burst >= most - 1, `${given - limit.burst} of ${most}`)
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

describe('buckets side by side in one block', () => {
  const three = fc.tuple(limits, limits, limits)

  test('are each what a bucket by itself is, whatever the schedule, the clock and the places', () => {
    fc.assert(fc.property(three, steps, fc.nat(2), (each, schedule, turn) => {
      const block = new BucketBlock(3)
      const paces = each.map(paceOf)
      const alone = paces.map((pace) => new TokenBucket(pace, 0, 0))
      let nowUs = 0
      for (const [step, { us, cost, times }] of schedule.entries()) {
        nowUs = Math.max(0, nowUs + us)
        const at = (step + turn) % 3
        const [bucket = assert.fail(), pace = assert.fail()] = [alone[at], paces[at]]
        for (let n = 0; n < times && bucket.canSpend(cost, nowUs); n++) {
          assert.ok(block.canSpend(at, pace, cost, nowUs))
          bucket.spend(cost)
          block.spend(at, pace, cost)
        }
        assert.deepEqual(
          [block.canSpend(at, pace, cost, nowUs), block.remaining(at, pace, nowUs), block.moreInUs(at, pace, nowUs), block.fullInUs(at, pace, nowUs), block.waitUs(at, pace, cost, nowUs)],
          [bucket.canSpend(cost, nowUs), bucket.remaining(nowUs), bucket.moreInUs(nowUs), bucket.fullInUs(nowUs), bucket.waitUs(cost, nowUs)])
      }
    }))
  })

  test('pay three together what each of them pays alone, or none does', () => {
    fc.assert(fc.property(three, fc.array(fc.integer({ min: 1, max: 3_000 }), { maxLength: 20 }), (each, costs) => {
      const [one, other] = [new BucketBlock(3), new BucketBlock(3)]
      const paces = { key: paceOf(each[0]), merchant: paceOf(each[1]), route: paceOf(each[2]) }
      const meters = each.map((limit, at) => new OwnMeter(limit, { paceOf, block: other, at }))
      for (const cost of costs) {
        const short = spendAll(meters, cost, 1e12)
        assert.equal(one.spendThree(0, 1, 2, paces, cost, 1e12), short === undefined ? undefined : Object.keys(paces)[meters.indexOf(short)])
        assert.deepEqual(Object.values(paces).map((pace, at) => one.remaining(at, pace, 1e12)), meters.map((meter) => meter.remaining(1e12)))
      }
    }))
  })

  test('take on another limit and keep what was spent', () => {
    const [block, small] = [new BucketBlock(1), { ratePerS: 1, burst: 3 }]
    const meter = new OwnMeter({ ratePerS: 1, burst: 10 }, { paceOf, block, at: 0 })
    assert.ok(meter.canSpend(2, 1e12))
    meter.spend(2)
    meter.change(small)
    assert.deepEqual([meter.limit, meter.remaining(1e12)], [small, 3])
    meter.change({ ratePerS: 1, burst: 100 })
    assert.equal(meter.remaining(1e12), 3)
  })

  test('give nothing past their end', () => {
    const [block, pace] = [new BucketBlock(3), paceOf({ ratePerS: 1_000, burst: 1_000 })]
    for (const at of [3, 1e6, -1]) assert.equal(block.canSpend(at, pace, 1, 1e12), false)
    const paces = { key: pace, merchant: pace, route: pace }
    assert.deepEqual(
      [block.spendThree(3, 0, 1, paces, 1, 1e12), block.spendThree(0, 3, 1, paces, 1, 1e12), block.spendThree(0, 1, 3, paces, 1, 1e12)], ['key', 'merchant', 'route'])
    assert.equal(block.remaining(0, pace, 1e12), 1_000, 'where one refuses nothing is spent')
  })

  test('are given out once, and a place that somebody let go of holds nothing of his', () => {
    const [block, pace] = [new BucketBlock(9), paceOf({ ratePerS: 1, burst: 10 })]
    const places = new Places(block, { begin: 1, max: 4, each: 2 })
    const taken = [places.take(), places.take(), places.take(), places.take()]
    assert.deepEqual(taken, [1, 3, 5, 7])
    assert.throws(() => places.take(), RangeError)
    for (const at of [4, 5, 6, 7]) block.spend(at, pace, block.remaining(at, pace, 1e12))
    places.release(5)
    assert.deepEqual([5, 6].map((at) => block.isUntouched(at)), [true, true])
    assert.deepEqual([4, 7].map((at) => block.remaining(at, pace, 1e12)), [0, 0], 'those beside it stay as they are')
    assert.equal(places.take(), 5)
    assert.throws(() => places.take(), RangeError)
  })
})

test('the fields are those of the draft', () => {
  assert.equal(rateLimitPolicyField([['key', { ratePerS: 500, burst: 1_000 }], ['merchant', { ratePerS: 3, burst: 10 }]]), '"key";q=1000;w=2, "merchant";q=10;w=4')
  assert.equal(rateLimitField({ name: 'key', remaining: 987, moreInS: 1 }), '"key";r=987;t=1')
})
