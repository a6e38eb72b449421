import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ConcurrencyLimit, concurrencyBounds, shares, urgencies, type Urgency } from './concurrency-limit.ts'

/** Seeded, so that a failure is the same failure again (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

type Phase = { readonly seconds: number; readonly perSecond: number; readonly serviceMs?: number }
type Tally = { readonly offered: Record<Urgency, number>; readonly shed: Record<Urgency, number>; readonly vitalMs: number[]; limit: number }

const workers = 16
const none = (): Record<Urgency, number> => ({ deferrable: 0, ordinary: 0, vital: 0 })

/** A database with so many connections behind the limit: what is let in waits in line, then takes its exponential time. */
function simulate(phases: readonly Phase[], seed: number, hasLimit = true): Tally[] {
  const random = seeded(seed)
  const limit = new ConcurrencyLimit(0)
  const freeAtMs = Array.from({ length: workers }, () => 0)
  const ends: { readonly atMs: number; readonly tookMs: number }[] = []
  let nowMs = 0
  return phases.map(({ seconds, perSecond, serviceMs = 8 }) => {
    const tally: Tally = { offered: none(), shed: none(), vitalMs: [], limit: 0 }
    const untilMs = nowMs + seconds * 1_000
    while (nowMs < untilMs) {
      nowMs += -Math.log(1 - random()) * 1_000 / perSecond
      for (let first = ends[0]; first !== undefined && first.atMs <= nowMs; first = ends[0]) {
        limit.end('x', first.tookMs, first.atMs)
        ends.shift()
      }
      const kind = random()
      const urgency: Urgency = kind < 0.4 ? 'deferrable' : kind < 0.8 ? 'ordinary' : 'vital'
      tally.offered[urgency]++
      if (hasLimit && !limit.hasRoom(urgency)) {
        tally.shed[urgency]++
        continue
      }
      limit.begin()
      const worker = freeAtMs.indexOf(Math.min(...freeAtMs))
      const endMs = Math.max(nowMs, freeAtMs[worker] ?? 0) - Math.log(1 - random()) * serviceMs
      freeAtMs[worker] = endMs
      if (urgency === 'vital') tally.vitalMs.push(endMs - nowMs)
      const at = ends.findLastIndex((one) => one.atMs <= endMs) + 1
      ends.splice(at, 0, { atMs: endMs, tookMs: endMs - nowMs })
    }
    tally.limit = limit.limit
    return tally
  })
}

const p99 = (values: readonly number[]): number => values.toSorted((one, other) => one - other)[Math.floor(values.length * 0.99)] ?? 0
const share = ({ offered, shed }: Tally, urgency: Urgency): number => shed[urgency] / offered[urgency]
/** What sixteen workers of 8 ms each can do in a second. */
const capacity = workers * 1_000 / 8

for (const seed of [1, 2, 3]) {
  test(`sheds nobody below capacity, what can wait above it, and recovers (seed ${seed})`, () => {
    const [calm, over, after] = simulate([
      { seconds: 20, perSecond: capacity * 0.5 }, { seconds: 60, perSecond: capacity * 1.4 }, { seconds: 20, perSecond: capacity * 0.5 },
    ], seed)
    assert.ok(calm !== undefined && over !== undefined && after !== undefined)
    for (const urgency of urgencies) assert.ok(share(calm, urgency) < 0.001, `calm ${urgency} ${share(calm, urgency)}`)
    assert.ok(share(over, 'deferrable') > 0.5, `deferrable ${share(over, 'deferrable')}`)
    assert.ok(share(over, 'ordinary') < share(over, 'deferrable') / 2, `ordinary ${share(over, 'ordinary')}`)
    assert.ok(share(over, 'vital') < 0.005, `vital ${share(over, 'vital')}`)
    assert.ok(p99(over.vitalMs) < p99(calm.vitalMs) * 2, `p99 of what is vital: ${p99(over.vitalMs)} over ${p99(calm.vitalMs)}`)
    assert.ok(share(after, 'deferrable') < 0.01, `after ${share(after, 'deferrable')}`)
  })
}

test('without the limit the same load drowns everybody: the simulation can fail', () => {
  const [calm, over] = simulate([{ seconds: 20, perSecond: capacity * 0.5 }, { seconds: 30, perSecond: capacity * 1.4 }], 1, false)
  assert.ok(p99(over?.vitalMs ?? []) > p99(calm?.vitalMs ?? []) * 50)
})

test('five times the capacity: the ordinary goes too, the vital fits', () => {
  const [, flood] = simulate([{ seconds: 10, perSecond: capacity * 0.5 }, { seconds: 30, perSecond: capacity * 4.5 }], 4)
  assert.ok(flood !== undefined)
  assert.ok(share(flood, 'deferrable') > 0.95)
  assert.ok(share(flood, 'ordinary') > 0.6)
  assert.ok(share(flood, 'vital') < share(flood, 'ordinary') / 2, `vital ${share(flood, 'vital')}`)
})

test('an overload that lasts does not become the measure', () => {
  const [, first, later] = simulate([
    { seconds: 10, perSecond: capacity * 0.5 }, { seconds: 60, perSecond: capacity * 2 }, { seconds: 100, perSecond: capacity * 2 },
  ], 5)
  assert.ok(first !== undefined && later !== undefined)
  assert.ok(p99(later.vitalMs) < p99(first.vitalMs) * 1.5, `${p99(later.vitalMs)} after ${p99(first.vitalMs)}`)
})

test('a database that is slower than before is measured anew, and served to its full', () => {
  const [, , settled] = simulate([
    { seconds: 10, perSecond: capacity * 0.5 }, { seconds: 90, perSecond: capacity * 0.2, serviceMs: 32 },
    { seconds: 30, perSecond: capacity * 0.2, serviceMs: 32 },
  ], 6)
  assert.ok(settled !== undefined)
  assert.ok(share(settled, 'ordinary') < 0.01, `ordinary ${share(settled, 'ordinary')}`)
})

test('the limit never leaves its bounds, and each kind has its part of it', () => {
  const limit = new ConcurrencyLimit(0)
  assert.equal(limit.limit, concurrencyBounds.startsAt)
  const fill = (urgency: Urgency): number => {
    let count = 0
    for (; limit.hasRoom(urgency); count++) limit.begin()
    return count
  }
  assert.deepEqual([fill('deferrable'), fill('ordinary'), fill('vital')], [128, 77, 51])
  for (let nowMs = 0, left = limit.inFlight; nowMs < 25_000; nowMs += 10) {
    limit.end('x', nowMs < 5_000 ? 1 : 500, nowMs)
    limit.begin()
    assert.ok(limit.limit >= concurrencyBounds.min && limit.limit <= concurrencyBounds.max)
    assert.equal(limit.inFlight, left)
  }
  assert.equal(limit.limit, concurrencyBounds.min)
})

test('what is vital may fill it all, and what can wait half', () => {
  assert.equal(shares.vital, 1)
  assert.ok(shares.deferrable < shares.ordinary && shares.ordinary < shares.vital)
})

test('deciding and counting costs a request below a microsecond and a half', () => {
  const limit = new ConcurrencyLimit(0)
  const rounds = 300_000
  const once = (): number => {
    const before = performance.now()
    for (let at = 0; at < rounds; at++) {
      if (limit.hasRoom('vital')) limit.begin()
      limit.end('x', 1, at)
    }
    return (performance.now() - before) / rounds * 1_000
  }
  once()
  assert.ok(Math.min(once(), once(), once()) < 1.5)
})
