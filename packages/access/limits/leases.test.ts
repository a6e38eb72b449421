import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { LeasedMeter } from './leased-meter.ts'
import { payFromLeases, settleDebts, takeInto } from './pay-from-leases.ts'
import { nano } from './pace.ts'
import type { Grant, TokenStore, Want } from './token-store.ts'
import { ModelStore } from './testing/model-store.ts'

const secondUs = 1_000_000
const startUs = 1_000 * secondUs

/** Gateways that share one limit through one store, in a time that the test moves. */
class World {
  nowUs = startUs
  isUp = true
  readonly store = new ModelStore(startUs - 100 * secondUs)
  readonly spent: { atUs: number; cost: number }[] = []
  readonly gateways: readonly { readonly meter: LeasedMeter; readonly port: TokenStore & { awaySinceUs: number | null }; owed: LeasedMeter[] }[]
  /** Answers on their way. */
  readonly #answers: { readonly atUs: number; readonly give: () => void }[] = []
  latencyUs = 0

  constructor(gateways: number, limit: { readonly ratePerS: number; readonly burst: number }) {
    this.gateways = Array.from({ length: gateways }, () => {
      const port: TokenStore & { awaySinceUs: number | null } = { awaySinceUs: null, take: (wants: readonly Want[]) => this.#take(port, wants) }
      return { port, meter: new LeasedMeter('b', limit, { store: port, gateways }), owed: [] }
    })
  }

  async pay(gateway: number, cost: number): Promise<boolean> {
    const one = this.gateways[gateway % this.gateways.length] ?? assert.fail()
    const from = { store: one.port, nowUs: () => this.nowUs }
    const paying = payFromLeases([one.meter], cost, from).then((short) => {
      if (short === undefined) this.spent.push({ atUs: this.nowUs, cost })
      return short === undefined
    })
    await settleMicrotasks()
    if (one.meter.isLow(this.nowUs)) void takeInto([one.meter], 0, from)
    await settleMicrotasks()
    return paying
  }

  async advance(us: number): Promise<void> {
    this.nowUs += us
    for (const one of this.#answers.splice(0).toSorted((a, b) => a.atUs - b.atUs)) {
      if (one.atUs <= this.nowUs) one.give()
      else this.#answers.push(one)
    }
    await settleMicrotasks()
  }

  /** All gateways see it at once. */
  async turn(isUp: boolean): Promise<void> {
    if (isUp === this.isUp) return
    this.isUp = isUp
    for (const { port } of this.gateways) port.awaySinceUs = isUp ? null : this.nowUs
    if (isUp) for (const { port, meter } of this.gateways) await settleDebts([meter], { store: port, nowUs: () => this.nowUs })
  }

  #take(port: { awaySinceUs: number | null }, wants: readonly Want[]): Promise<readonly Grant[] | null> {
    if (!this.isUp) {
      port.awaySinceUs ??= this.nowUs
      return Promise.resolve(null)
    }
    const grants = this.store.take(wants, this.nowUs)
    if (this.latencyUs === 0) return Promise.resolve(grants)
    return new Promise((resolve) => { this.#answers.push({ atUs: this.nowUs + this.latencyUs, give: () => resolve(grants) }) })
  }
}

async function settleMicrotasks(): Promise<void> {
  for (let n = 0; n < 16; n++) await Promise.resolve()
}

/** @returns the window that passes its bound most, in tokens */
function excess(spent: World['spent'], { ratePerS, burst }: { readonly ratePerS: number; readonly burst: number }): number {
  let worst = 0
  // Most that any window ending here holds above what its length allows: one pass (Kadane's).
  let sum = 0
  let lastUs = 0
  for (const { atUs, cost } of spent) {
    sum = Math.max(0, sum - (atUs - lastUs) * ratePerS / secondUs) + cost
    lastUs = atUs
    worst = Math.max(worst, sum - burst)
  }
  return worst
}

/** The dearest of the calls below; a burst of twice that holds it whatever is leased. */
const dearest = 4
const limit = fc.record({ ratePerS: fc.integer({ min: 1, max: 400 }), burst: fc.integer({ min: 2 * dearest, max: 400 }) }, { noNullPrototype: true })
const acts = fc.array(fc.record({
  us: fc.oneof(fc.integer({ min: 0, max: 3_000 }), fc.integer({ min: 0, max: 300_000 })),
  gateway: fc.nat(7), cost: fc.integer({ min: 1, max: dearest }), times: fc.integer({ min: 1, max: 25 }),
  latencyUs: fc.constantFrom(0, 0, 0, 500, 120_000), event: fc.constantFrom('none', 'none', 'none', 'none', 'down', 'up', 'forget'),
}), { minLength: 1, maxLength: 40 })

type Act = { readonly us: number; readonly gateway: number; readonly cost: number; readonly times: number; readonly latencyUs: number; readonly event: string }

async function run(world: World, schedule: readonly Act[], events: readonly string[]): Promise<void> {
  const open: Promise<unknown>[] = []
  for (const { us, gateway, cost, times, latencyUs, event } of schedule) {
    await world.advance(us)
    world.latencyUs = world.isUp ? latencyUs : 0
    if (event === 'down' && events.includes('down')) await world.turn(false)
    world.latencyUs = 0
    if (event === 'up') await world.turn(true)
    if (event === 'forget' && events.includes('forget')) world.store.forget(world.nowUs)
    world.latencyUs = world.isUp ? latencyUs : 0
    for (let n = 0; n < times; n++) open.push(world.pay(gateway + (n % 3), cost))
    await settleMicrotasks()
  }
  await world.advance(secondUs)
  await world.advance(secondUs)
  await world.advance(secondUs)
  await world.advance(secondUs)
  await Promise.all(open)
}

describe('gateways that share a limit', () => {
  test('together never pass it in any window, whatever they take ahead and however late answers come', async () => {
    await fc.assert(fc.asyncProperty(fc.integer({ min: 1, max: 4 }), limit, acts, async (gateways, of, schedule) => {
      const world = new World(gateways, of)
      await run(world, schedule, [])
      assert.ok(excess(world.spent, of) <= 1e-6, `${excess(world.spent, of)} too many`)
    }), { numRuns: 60 })
  })

  test('never pass it where the store goes away and comes back for all of them, nor where it forgets everything', async () => {
    await fc.assert(fc.asyncProperty(fc.integer({ min: 1, max: 4 }), limit, acts, async (gateways, of, schedule) => {
      const world = new World(gateways, of)
      await run(world, schedule, ['down', 'forget'])
      assert.ok(excess(world.spent, of) <= 1e-6, `${excess(world.spent, of)} too many`)
    }), { numRuns: 60 })
  })

  test('the check of the bound notices a gateway that gives a token that it does not have', async () => {
    const of = { ratePerS: 10, burst: 20 }
    const world = new World(2, of)
    for (let n = 0; n < 30; n++) await world.pay(n, 1)
    assert.ok(excess(world.spent, of) <= 0 && world.spent.length >= 19)
    for (let n = 0; n < 2; n++) world.spent.push({ atUs: world.nowUs, cost: 1 })
    assert.ok(excess(world.spent, of) > 0)
  })

  test('use nearly all of it: of a burst all but a lease, and then its rate', async () => {
    const of = { ratePerS: 100, burst: 200 }
    const world = new World(3, of)
    for (let n = 0; n < 400; n++) await world.pay(n, 1)
    const atOnce = world.spent.length
    assert.ok(atOnce >= 185 && atOnce <= 200, String(atOnce))
    for (let ms = 0; ms < 2_000; ms += 5) {
      await world.advance(5_000)
      for (let n = 0; n < 3; n++) await world.pay(n, 1)
    }
    const later = world.spent.length - atOnce
    assert.ok(later >= 170 && later <= 210, String(later))
  })

  test('take a call that costs more than half of the burst for what the store can ever hold, and never for less than half', async () => {
    for (const [ratePerS, least] of [[1, 9.9], [400, 5]] as const) {
      const world = new World(1, { ratePerS, burst: 10 })
      assert.ok(await world.pay(0, 10))
      const [left] = world.store.take([{ bucket: 'b', pace: { capacity: 10 * nano, gain: ratePerS * 1_000 }, need: 0, want: 0, debt: 0 }], world.nowUs)
      assert.ok((left?.level ?? 0) <= (10 - least) * nano, String(left?.level))
      assert.equal(await world.pay(0, 1), false)
    }
  })

  test('each enforce their part at once where the store is away, and waste no question on it', async () => {
    const of = { ratePerS: 90, burst: 300 }
    const world = new World(3, of)
    await world.turn(false)
    await world.advance(secondUs)
    for (let n = 0; n < 300; n++) await world.pay(n, 1)
    assert.equal(world.spent.length, 90)
    await world.turn(true)
    for (let n = 0; n < 600; n++) await world.pay(n, 1)
    assert.ok(world.spent.length <= 300 + 90, String(world.spent.length))
    assert.ok(world.spent.length >= 280, String(world.spent.length))
  })

  test('say when there is more, as far as they know, and never later than a call that costs it', async () => {
    const world = new World(1, { ratePerS: 2, burst: 10 })
    const { meter } = world.gateways[0] ?? assert.fail()
    for (let n = 0; n < 20; n++) {
      await world.pay(0, 1)
      const left = meter.remaining(world.nowUs)
      const moreInUs = meter.moreInUs(world.nowUs)
      assert.ok(moreInUs > 0 && moreInUs <= secondUs / 2, `${moreInUs} µs`)
      assert.ok(meter.remaining(world.nowUs + moreInUs) >= left)
      assert.ok(moreInUs <= Math.max(meter.waitUs(left + 1, world.nowUs), secondUs / 2))
      await world.advance(n % 3 === 0 ? secondUs / 4 : 0)
    }
    await world.advance(20 * secondUs)
    assert.equal(meter.moreInUs(world.nowUs), 0)
  })

  test('do not ask again where the store has said no, until it said there would be more', async () => {
    const world = new World(1, { ratePerS: 10, burst: 10 })
    let asked = 0
    const { port } = world.gateways[0] ?? assert.fail()
    const take = port.take.bind(port)
    port.take = (wants) => {
      asked++
      return take(wants)
    }
    for (let n = 0; n < 1_000; n++) await world.pay(0, 1)
    assert.ok(asked < 20, String(asked))
  })
})

test('several limits are paid together or not at all', async () => {
  const model = new ModelStore(0)
  const nowUs = () => startUs
  const store: TokenStore = { awaySinceUs: null, take: (wants) => Promise.resolve(model.take(wants, startUs)) }
  const wide = new LeasedMeter('wide', { ratePerS: 1, burst: 100 }, { store, gateways: 1 })
  const narrow = new LeasedMeter('narrow', { ratePerS: 1, burst: 10 }, { store, gateways: 1 })
  let paid = 0
  for (let n = 0; n < 50; n++) if (await payFromLeases([wide, narrow], 1, { store, nowUs }) === undefined) paid++
  assert.ok(paid <= 10 && paid >= 9, String(paid))
  const [left] = model.take([{ bucket: 'wide', pace: { capacity: 1e11, gain: 1_000 }, need: 0, want: 0, debt: 0 }], startUs)
  assert.ok((left?.level ?? 0) >= (100 - 2 * paid - 1) * 1e9, `refused requests drained ${left?.level}`)
})
