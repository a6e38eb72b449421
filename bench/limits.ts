import { createClient } from '@redis/client'
import { LeasedMeter, OwnMeter, paceOf, payFromLeases, spendAll, takeInto, type Meter } from '@ngome/access'
import { RedisServer, redisIsMissing } from '@ngome/testkit'
import { RateLimiterMemory, RateLimiterRedis } from 'rate-limiter-flexible'
import { connectRedis } from '../services/gateway/limits/redis-store.ts'
import { DeadlineStore } from '../services/gateway/limits/shared-store.ts'
import { median, rateCase, type BenchCase, type BenchReport } from './harness.ts'

/** Wide enough that no side refuses: a refusal is another way through the code. */
const limit = { ratePerS: 1_000_000, burst: 1_000_000 }
const points = 1_000_000_000
const rounds = 9
const memoryChecks = 100_000
const redisChecks = 3_000
const manyKeys = 100_000
/** What the limiter has to do by itself. */
const bar = 1_000_000

type Side = (count: number) => Promise<void> | void

const nowUs = (): number => Math.floor(performance.now() * 1_000)

/** The limiter in memory and over Valkey or Redis, beside what one would take instead, in turns in one process. */
export async function bench(): Promise<BenchReport> {
  const cases: BenchCase[] = []
  for (const keys of [1, manyKeys]) {
    const name = keys === 1 ? '1 key' : `${keys.toLocaleString('en')} keys`
    const [three, one, rival] = await inTurns(memoryChecks, [ours(keys, 3), ours(keys, 1), rivalInMemory(keys)])
    cases.push(
      rateCase(`in memory, ${name}, one limit`, 'check/s', one ?? 0, rival ?? 0),
      rateCase(`in memory, ${name}, key, merchant and route together`, 'check/s', three ?? 0, rival ?? 0),
      rateCase(`in memory, ${name}, key, merchant and route, against the bar`, 'check/s', three ?? 0, bar),
    )
  }
  if (redisIsMissing() === false) cases.push(...await sharedCases())
  return {
    bench: 'limits',
    cases,
    notes: [
      'Ours finds the bucket, reads the clock, decides and charges; three limits are charged all or none. The baseline is',
      'rate-limiter-flexible: a counter for each window, one limit, one promise for each check. It lets twice its limit pass',
      'across the border of two windows; ours never does in any. Over Redis, one server for both: the baseline asks it for each',
      'check, ours takes tokens ahead of need and decides most checks by itself, within the same bound.',
    ],
  }
}

function ours(keys: number, limits: number): Side {
  const meters = Array.from({ length: keys }, () => Array.from({ length: limits }, (): Meter => (
    new OwnMeter(limit, { paceOf, sinceUs: -1e12, nowUs: nowUs() })
  )))
  const byKey = new Map(meters.map((each, at) => [`key_${at}`, each]))
  const names = [...byKey.keys()]
  let next = 0
  return (count) => {
    for (let n = 0; n < count; n++) spendAll(byKey.get(names[next++ % keys] ?? '') ?? [], 1, nowUs())
  }
}

function rivalInMemory(keys: number): Side {
  const limiter = new RateLimiterMemory({ points, duration: 60 })
  const names = Array.from({ length: keys }, (_, at) => `key_${at}`)
  let next = 0
  return async (count) => {
    for (let n = 0; n < count; n++) await limiter.consume(names[next++ % keys] ?? '')
  }
}

async function sharedCases(): Promise<readonly BenchCase[]> {
  const server = await RedisServer.start()
  const client = await createClient({ url: server.url }).connect()
  const store = new DeadlineStore({ redis: connectRedis({ url: server.url }, () => undefined), nowUs, onAway: () => undefined, onBack: () => undefined })
  try {
    while (store.awaySinceUs !== null) await new Promise((resolve) => { setTimeout(resolve, 10) })
    // What begins is empty; a second fills it.
    const meter = new LeasedMeter('bench', limit, { store, gateways: 1 })
    await payFromLeases([meter], 1, { store, nowUs })
    await new Promise((resolve) => { setTimeout(resolve, 1_100) })
    const rival = new RateLimiterRedis({ storeClient: client, useRedisPackage: true, points, duration: 60 })
    const [shared, other] = await inTurns(redisChecks, [
      async (count) => {
        for (let n = 0; n < count; n++) await checkShared(meter, store)
      },
      async (count) => {
        for (let n = 0; n < count; n++) await rival.consume('bench')
      },
    ])
    return [rateCase('shared by gateways, one after the other', 'check/s', shared ?? 0, other ?? 0)]
  } finally {
    store.stop()
    client.destroy()
    await server.close()
  }
}

async function checkShared(meter: LeasedMeter, store: DeadlineStore): Promise<void> {
  const from = { store, nowUs }
  // On a machine that is busy the store may be away for a moment: what is refused then is asked again, and takes its time here.
  while (spendAll([meter], 1, nowUs()) !== undefined && await payFromLeases([meter], 1, from) !== undefined) {
    await new Promise((resolve) => { setImmediate(resolve) })
  }
  if (meter.isLow(nowUs())) void takeInto([meter], 0, from)
}

/** @returns for each side the median checks a second */
async function inTurns(count: number, sides: readonly Side[]): Promise<readonly number[]> {
  const perSecond = sides.map((): number[] => [])
  for (const side of sides) await side(count)
  for (let round = 0; round < rounds; round++) {
    for (const [at, side] of sides.entries()) {
      const startMs = performance.now()
      await side(count)
      perSecond[at]?.push(count * 1_000 / (performance.now() - startMs))
    }
  }
  return perSecond.map((values) => median(values))
}
