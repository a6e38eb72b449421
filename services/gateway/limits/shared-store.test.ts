import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { LeasedMeter, payFromLeases, takeInto, type Want } from '@ngome/access'
import { RedisServer, redisIsMissing } from '@ngome/testkit'
import { connectRedis, type RedisStore } from './redis-store.ts'
import { DeadlineStore } from './shared-store.ts'

const nowUs = (): number => Math.floor(performance.now() * 1_000)
const pace = { capacity: 20_000_000_000, gain: 1_000 }
const skip = redisIsMissing()

/** One gateway's part in it. */
class Gateway {
  readonly meter: LeasedMeter
  readonly store: DeadlineStore
  readonly spentAtMs: number[] = []
  readonly told: string[] = []

  constructor(url: string, bucket: string, limit: { readonly ratePerS: number; readonly burst: number }, gateways: number) {
    this.store = new DeadlineStore({
      redis: connectRedis({ url }, () => undefined), nowUs,
      onAway: () => void this.told.push('away'), onBack: () => void this.told.push('back'),
    })
    this.meter = new LeasedMeter(bucket, limit, { store: this.store, gateways, onDebt: (meter) => this.store.owes(meter) })
  }

  async ask(): Promise<boolean> {
    const from = { store: this.store, nowUs }
    const short = await payFromLeases([this.meter], 1, from)
    if (short !== undefined) return false
    this.spentAtMs.push(performance.now())
    if (this.meter.isLow(nowUs())) void takeInto([this.meter], 0, from)
    return true
  }

  /** Asks as fast as a client may who pays no heed to refusals. */
  async flood(isOver: () => boolean): Promise<void> {
    while (!isOver()) {
      await this.ask()
      await sleep(1)
    }
  }

  /** Waits until so many more of its requests were served. */
  async untilServed(more: number): Promise<void> {
    const enough = this.spentAtMs.length + more
    while (this.spentAtMs.length < enough) await sleep(5)
  }

  async until(isAway: boolean): Promise<void> {
    const endMs = performance.now() + 40_000
    while ((this.store.awaySinceUs !== null) !== isAway) {
      assert.ok(performance.now() < endMs, `it never was ${isAway ? 'away' : 'back'}`)
      await sleep(5)
    }
  }
}

/** The most that any window holds above what its length allows. */
function excess(gateways: readonly Gateway[], { ratePerS, burst }: { readonly ratePerS: number; readonly burst: number }): number {
  let [sum, lastMs, worst] = [0, 0, Number.NEGATIVE_INFINITY]
  for (const atMs of gateways.flatMap(({ spentAtMs }) => spentAtMs).toSorted((a, b) => a - b)) {
    sum = Math.max(0, sum - (atMs - lastMs) * ratePerS / 1_000) + 1
    lastMs = atMs
    worst = Math.max(worst, sum - burst)
  }
  return worst
}

describe('a store that gateways share', { skip }, () => {
  let server: RedisServer
  let redis: RedisStore
  const open: Gateway[] = []
  const gatewaysOf = async (bucket: string, limit: { readonly ratePerS: number; readonly burst: number }, count = 3) => {
    const made = Array.from({ length: count }, () => new Gateway(server.url, bucket, limit, count))
    open.push(...made)
    await Promise.all(made.map((one) => one.until(false)))
    return made
  }
  before(async () => {
    server = await RedisServer.start()
    redis = connectRedis({ url: server.url }, () => undefined)
    while (await redis.ping().then(() => false, () => true)) await sleep(10)
    // As one that has run for a while: what begins now would begin empty.
    await redis.take([{ bucket: 'x', pace, need: 0, want: 0, debt: 0 }])
    await sleep(300)
  })
  after(async () => {
    redis.stop()
    for (const { store } of open) store.stop()
    await server.close()
  })

  const want = (bucket: string, need: number, more: Partial<Want> = {}): Want => ({ bucket, pace: { capacity: 10_000_000_000, gain: 100_000_000 }, need, want: need, debt: 0, ...more })

  test('gives all or nothing, never more than is there, and says when there will be more', async () => {
    const [a, b] = await redis.take([want('a', 4e9), want('b', 4e9)])
    assert.deepEqual([a?.taken, b?.taken, a?.waitUs], [4e9, 4e9, 0])
    const [c, d] = await redis.take([want('a', 1e9), want('b', 11e9)])
    assert.deepEqual([c?.taken, d?.taken], [0, 0])
    assert.ok((d?.waitUs ?? 0) > 0 && (c?.level ?? 0) >= 6e9)
    const [e] = await redis.take([want('a', 0, { want: 1e12 })])
    assert.ok((e?.taken ?? 0) >= 6e9 && (e?.taken ?? 0) <= 10e9 && e?.level === 0)
  })

  test('takes a debt off before all else, down to one burst below nothing', async () => {
    const [a] = await redis.take([want('debt', 0, { debt: 3e9 })])
    assert.equal(a?.level, 7e9)
    const [b] = await redis.take([{ ...want('debt', 0, { debt: 1e15 }), pace: { capacity: 10_000_000_000, gain: 1 } }])
    assert.equal(b?.level, -10e9)
  })

  test('that forgot everything begins empty, and runs its script without having been told it', async () => {
    const other = await RedisServer.start()
    const to = connectRedis({ url: other.url }, () => undefined)
    try {
      while (await to.ping().then(() => false, () => true)) await sleep(10)
      const slow = { bucket: 'a', pace: { capacity: 10_000_000_000, gain: 1_000 }, need: 0, want: 1e12, debt: 0 }
      assert.deepEqual((await to.take([slow]))[0]?.taken, 0)
    } finally {
      to.stop()
      await other.close()
    }
  })

  test('holds several gateways to one limit, and lets them use it', { timeout: 60_000 }, async () => {
    const limit = { ratePerS: 100, burst: 60 }
    const gateways = await gatewaysOf('together', limit)
    const spent = (): number => gateways.flatMap(({ spentAtMs }) => spentAtMs).length
    // More than their burst: what the rate gives comes to them as well.
    await Promise.all(gateways.map((one) => one.flood(() => spent() >= 120)))
    assert.ok(excess(gateways, limit) <= 0, `${excess(gateways, limit)} too many`)
  })

  for (const [how, leave, comeBack] of [
    ['hangs', async () => server.pause(), async () => server.resume()],
    ['is killed', () => server.kill(), () => server.start()],
  ] as const) {
    test(`that ${how} is passed by: nobody waits, the limit holds through it, and it counts again by itself`, { timeout: 120_000 }, async () => {
      const limit = { ratePerS: 120, burst: 90 }
      const gateways = await gatewaysOf(`away ${how}`, limit)
      let isOver = false
      const floods = Promise.all(gateways.map((one) => one.flood(() => isOver)))
      await Promise.all(gateways.map((one) => one.untilServed(10)))
      await leave()
      await Promise.all(gateways.map((one) => one.until(true)))
      // It is away until this has come: whoever waited for it would wait here.
      await Promise.all(gateways.map((one) => one.untilServed(20)))
      await comeBack()
      await Promise.all(gateways.map((one) => one.until(false)))
      isOver = true
      await floods
      // On a busy machine an answer may come late once more, which is away again for a moment.
      await Promise.all(gateways.map((one) => one.until(false)))
      for (const { told } of gateways) assert.match(told.join(' '), /^(?:back )?(?:away back ?)+$/)
      // They do not leave and come back in one moment: those that are still with it have the whole rate, those that are not their part.
      const apart = limit.ratePerS + limit.burst
      assert.ok(excess(gateways, limit) <= apart, `${excess(gateways, limit)} too many`)
    })
  }
})

test('a store that was never there holds nobody up', async (t) => {
  const gateway = new Gateway('redis://127.0.0.1:1', 'none', { ratePerS: 1_000, burst: 100 }, 2)
  t.after(() => gateway.store.stop())
  await sleep(100)
  const beforeMs = performance.now()
  let [served, waited] = [0, 0]
  for (let n = 0; n < 200; n++) {
    let hasTurned = false
    const turn = setImmediate(() => { hasTurned = true })
    if (await gateway.ask()) served++
    clearImmediate(turn)
    if (hasTurned) waited++
  }
  const tookMs = performance.now() - beforeMs
  // Half of the limit is this gateway's: half its burst, and what half its rate gave meanwhile.
  assert.ok(served >= 20 && served <= 50 + tookMs / 2, `${served} in ${tookMs} ms`)
  assert.equal(waited, 0, 'not even for a turn of the event loop')
})
