import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { baselineSchema, newBaseline, parseBaseline, type Baseline } from './baseline.ts'
import { judge } from './judge.ts'
import { learn } from './learn.ts'
import { amountBucket, networkOf, timesLarger } from './sizes.ts'
import { mondayMs } from './testing/simulated-merchants.ts'
import { dayMs, hourMs, type HourUse, type RecentUse } from './use.ts'
import { listed } from './words.ts'

const quiet: RecentUse = { requests: 0, refused: 0, notFound: 0, missedIds: 0, payers: 0, failedPayers: 0 }
const hour = (atMs: number, over: Partial<HourUse> = {}): HourUse => ({
  hourMs: atMs, operations: { getPayment: 10 }, refused: 0, notFound: 0, missedIds: 0, countries: { UG: 10 },
  networks: { '41.210.128.0/24': 10 }, amounts: {}, ...over,
})

/** A key that was used at noon of each day. */
function noons(days: number, over: Partial<HourUse> = {}): Baseline {
  let baseline = newBaseline(mondayMs + 12 * hourMs)
  for (let day = 0; day < days; day++) baseline = learn(baseline, hour(mondayMs + day * dayMs + 12 * hourMs, over))
  return baseline
}

test('of a key that it does not know it says nothing, bursts aside', () => {
  const strange = hour(mondayMs, { operations: { listPayments: 9_000 }, countries: { KP: 9_000 }, amounts: { 'UGX/60': 9 } })
  assert.deepEqual(judge(undefined, strange, quiet), [])
  assert.deepEqual(judge(noons(10), strange, quiet), [])
  const burst = judge(undefined, undefined, { ...quiet, requests: 40, refused: 40, notFound: 40, missedIds: 40 })
  assert.deepEqual(burst.map(({ kind }) => kind), ['enumeration'])
  assert.deepEqual(judge(undefined, undefined, { ...quiet, requests: 50, refused: 50 }).map(({ kind }) => kind), ['error_burst'])
})

test('a reason is a sentence with the numbers behind it', () => {
  const at = mondayMs + 41 * dayMs + 12 * hourMs
  const [found] = judge({ ...noons(41), countries: { UG: { hours: 40, lastMs: 0 }, KE: { hours: 1, lastMs: 0 } } }, hour(at, { countries: { TZ: 3 } }), quiet)
  assert.equal(found?.reason, 'first requests from TZ; in the 41 days before, only from UG and KE')
  assert.deepEqual(found?.evidence, { country: 'TZ', requests: 3, days_before: 41, countries_before: 2 })
})

test('a key that wakes after a month is flagged once', () => {
  const at = mondayMs + 75 * dayMs + 12 * hourMs
  const baseline = noons(28)
  assert.deepEqual(judge(baseline, hour(at), quiet).map(({ kind }) => kind), ['long_sleep'])
  assert.deepEqual(judge(learn(baseline, hour(at)), hour(at + dayMs), quiet), [])
})

test('an hour with a flag does not teach, until it was seen on seven different days', () => {
  let baseline = noons(30)
  const flags: number[] = []
  for (let day = 30; day < 40; day++) {
    const abroad = hour(mondayMs + day * dayMs + 12 * hourMs, { countries: { TZ: 10 } })
    flags.push(judge(baseline, abroad, quiet).length)
    for (let again = 0; again < 3; again++) baseline = learn(baseline, abroad)
  }
  assert.deepEqual(flags, [1, 1, 1, 1, 1, 1, 1, 0, 0, 0])
})

test('guessing never teaches, however long it goes on', () => {
  const before = noons(30)
  let baseline = before
  for (let day = 30; day < 60; day++) {
    baseline = learn(baseline, hour(mondayMs + day * dayMs + 12 * hourMs, { operations: { getPayment: 100 }, notFound: 90, missedIds: 80 }))
  }
  assert.deepEqual({ ...baseline, lastMs: 0 }, { ...before, lastMs: 0 })
})

test('slow drift teaches: what is below the bounds each week is usual in the end, as the threat model says', () => {
  let baseline = noons(30, { operations: { getPayment: 60 } })
  let volume = 60
  for (let day = 30; day < 120; day++) {
    volume *= 1.05
    const grown = hour(mondayMs + day * dayMs + 12 * hourMs, { operations: { getPayment: Math.round(volume) } })
    assert.deepEqual(judge(baseline, grown, quiet), [])
    baseline = learn(baseline, grown)
  }
  assert.ok(volume > 4_000)
})

test('a baseline has a bound, keeps to its schema, and is the same for the same hours', () => {
  // Names are countries, networks and operations of ours; what every object has of its own is tried beside them.
  const names = fc.oneof(fc.string({ minLength: 1, maxLength: 20 }), fc.constantFrom('valueOf', 'constructor', 'toString')).filter((name) => name !== '__proto__')
  const counts = fc.dictionary(names, fc.integer({ min: 1, max: 1_000_000 }), { maxKeys: 40 })
  const anyHour = fc.record({
    at: fc.integer({ min: 0, max: 5_000 }), operations: counts, countries: counts, networks: counts, refused: fc.nat(1_000),
    amounts: fc.dictionary(fc.tuple(fc.constantFrom('UGX', 'KES', 'EUR'), fc.nat(120)).map(([currency, size]) => `${currency}/${size}`), fc.integer({ min: 1, max: 900 })),
  })
  fc.assert(fc.property(fc.array(anyHour, { maxLength: 40 }), (hours) => {
    const run = (): Baseline | undefined => hours.toSorted((a, b) => a.at - b.at).reduce<Baseline | undefined>((baseline, { at, ...one }) => {
      const requests = Object.values(one.operations).reduce((sum, count) => sum + count, 0)
      return learn(baseline, hour(mondayMs + at * hourMs, { ...one, refused: Math.min(one.refused, requests) }))
    }, undefined)
    const baseline = run()
    if (baseline === undefined) return
    assert.deepEqual(baselineSchema.parse(JSON.parse(JSON.stringify(baseline))), JSON.parse(JSON.stringify(baseline)))
    assert.ok(JSON.stringify(baseline).length < 65_536)
    assert.deepEqual(run(), baseline)
  }), { numRuns: 60 })
})

test('scores are whole numbers from 0 to 100, reasons short, whatever comes', () => {
  const number = fc.nat(10_000_000)
  fc.assert(fc.property(fc.record({ requests: number, refused: number, notFound: number, missedIds: number, payers: number, failedPayers: number }),
    fc.array(fc.constantFrom('TZ', 'KP', 'US'), { maxLength: 3 }), number, (recent, countries, volume) => {
      const use = hour(mondayMs + 40 * dayMs + 3 * hourMs, {
        operations: { listPayments: volume + 1, getPayment: volume + 1 }, countries: Object.fromEntries(countries.map((country) => [country, 1])), amounts: { 'UGX/80': 1 },
      })
      for (const { score, reason, evidence } of judge(noons(40, { amounts: { 'UGX/20': 30 } }), use, recent)) {
        assert.ok(Number.isInteger(score) && score >= 0 && score <= 100)
        assert.ok(reason.length <= 300 && JSON.stringify(evidence).length <= 2_000)
      }
    }), { numRuns: 50 })
})

test('what is no baseline of ours is none', () => {
  for (const state of [null, {}, { ...newBaseline(0), version: 2 }, { ...newBaseline(0), week: [] }]) assert.equal(parseBaseline(state), undefined)
  assert.deepEqual(parseBaseline(newBaseline(0)), newBaseline(0))
})

test('networks, sizes and lists have one form', () => {
  assert.deepEqual(['41.210.128.77', '::ffff:41.210.128.77', '2c0f:f400:12:3456::1', 'x'].map(networkOf),
    ['41.210.128.0/24', '41.210.128.0/24', '2c0f:f400:12::/48', undefined])
  assert.deepEqual([amountBucket('EUR', 1n), amountBucket('EUR', 500n), amountBucket('UGX', 25_000n)], ['EUR/0', 'EUR/17', 'UGX/29'])
  assert.equal(timesLarger(24, 20), 4)
  assert.deepEqual([listed([]), listed(['UG']), listed(['UG', 'KE', 'TZ', 'RW', 'SS'])], ['', 'UG', 'UG, KE, TZ and 2 others'])
})
