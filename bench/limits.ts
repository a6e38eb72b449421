import { createClient } from '@redis/client'
import { BucketBlock, LeasedMeter, OwnMeter, paceOf, payFromLeases, spendAll, takeInto } from '@ngome/access'
import { RedisServer, redisIsMissing } from '@ngome/testkit'
import { RateLimiterMemory, RateLimiterRedis } from 'rate-limiter-flexible'
import { connectRedis } from '../services/gateway/limits/redis-store.ts'
import { DeadlineStore } from '../services/gateway/limits/shared-store.ts'
import { median, rateCase, type BenchCase, type BenchReport } from './harness.ts'
import { gatewayCalls } from './limits/calls.ts'
import { drawn } from './limits/drawn.ts'

/** Wide enough that no side refuses: a refusal is another way through the code. */
const limit = { ratePerS: 1_000_000, burst: 1_000_000 }
const points = 1_000_000_000
const rounds = 9
/** Each of the keys comes several times in a turn: what the side before left in the processor's caches is soon gone. */
const memoryChecks = 400_000
const redisChecks = 3_000
const fewKeys = 1_000
const manyKeys = 100_000
/** Buckets that nobody used since are full. */
const longUs = 1e12
/** What the limiter has to do by itself. */
const bar = 1_000_000

type Side = (count: number) => Promise<void> | void

const nowUs = (): number => Math.floor(performance.now() * 1_000)

/** The limiter in memory and over Valkey or Redis, beside what one would take instead, in turns in one process. */
export async function bench(): Promise<BenchReport> {
  const cases: BenchCase[] = []
  for (const keys of [fewKeys, manyKeys]) {
    const name = `${keys.toLocaleString('en')} keys`
    const [whole, one, rival] = await inTurns(memoryChecks, processorSeconds, [await gatewayCalls(keys), oneLimit(keys), rivalInMemory(keys)])
    cases.push(
      rateCase(`in memory, ${name}, one limit`, 'check/s', one ?? 0, rival ?? 0),
      rateCase(`in memory, ${name}, address, key, merchant, route and fields`, 'check/s', whole ?? 0, rival ?? 0),
      rateCase(`in memory, ${name}, address, key, merchant, route and fields, against the bar`, 'check/s', whole ?? 0, bar),
    )
  }
  if (redisIsMissing() === false) cases.push(...await sharedCases())
  return {
    bench: 'limits',
    cases,
    notes: [
      'The keys come at random, so that what a call needs of its key lies in no cache of the processor that does not hold all of them.',
      'One limit: ours finds the bucket, reads the clock, decides and charges. With the others it is all that the limits of a gateway do',
      'for a call of a caller whose key is in memory: its address is found and admits it, key, merchant and route are found and charged all or none, with the rest of the cost',
      'from the address, and the RateLimit fields of the answer are written. In memory a second is one of processor time. The baseline is',
      'rate-limiter-flexible: a counter for each window, one limit, one promise for each check. It lets twice its limit pass',
      'across the border of two windows; ours never does in any. Over Redis, one server for both: the baseline asks it for each',
      'check, ours takes tokens ahead of need and decides most checks by itself, within the same bound.',
    ],
  }
}

function oneLimit(keys: number): Side {
  const names = Array.from({ length: keys }, (_, at) => `key_${at}`)
  const block = new BucketBlock(keys)
  const byKey = new Map(names.map((name, at) => [name, [new OwnMeter(limit, { paceOf, block, at })]]))
  const next = drawn()
  return (count) => {
    for (let n = 0; n < count; n++) spendAll(byKey.get(names[next() % keys] ?? '') ?? [], 1, longUs + nowUs())
  }
}

function rivalInMemory(keys: number): Side {
  const limiter = new RateLimiterMemory({ points, duration: 60 })
  const names = Array.from({ length: keys }, (_, at) => `key_${at}`)
  const next = drawn()
  return async (count) => {
    for (let n = 0; n < count; n++) await limiter.consume(names[next() % keys] ?? '')
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
    const [shared, other] = await inTurns(redisChecks, clockSeconds, [
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

/** What this thread worked: what else runs on the machine takes nothing of it but room in the caches. */
function processorSeconds(): number {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1e6
}

function clockSeconds(): number {
  return performance.now() / 1_000
}

/** @returns for each side the median checks in a second by some clock */
async function inTurns(count: number, seconds: () => number, sides: readonly Side[]): Promise<readonly number[]> {
  const perSecond = sides.map((): number[] => [])
  for (const side of sides) await side(count)
  for (let round = 0; round < rounds; round++) {
    for (const [at, side] of sides.entries()) {
      const startS = seconds()
      await side(count)
      perSecond[at]?.push(count / (seconds() - startS))
    }
  }
  return perSecond.map((values) => median(values))
}
