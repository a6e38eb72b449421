import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { OwnMeter, paceOf, type Limit } from '@ngome/access'
import { newId, systemClock, systemRandom, type Tenant } from '@ngome/kernel'
import fc from 'fast-check'
import { CallerMeters, type MeteredCaller } from './caller-meters.ts'
import type { KeyMeters } from './key-meters.ts'
import type { TenantLimits } from './tenant-meters.ts'

const from = { clock: systemClock, random: systemRandom }
const limit: Limit = { ratePerS: 1, burst: 5 }
const limits: TenantLimits = { key: limit, merchant: limit, route: limit }
/** An hour after the process began; so much later, what was spent is back. */
const startUs = 3_600_000_000
const refillUs = 5_000_000

const tenantOf = (): Tenant => ({ merchant: newId('merchant', from), world: 'test' })
const callerOf = (tenant = tenantOf()): MeteredCaller => ({ apiKey: newId('apiKey', from), tenant, kind: 'secret', meters: undefined })

function tableOf(bounds: { readonly keys: number; readonly tenants: number }) {
  const clock = { nowUs: startUs }
  const meters = new CallerMeters({
    paceOf, hasOwnBuckets: true, nowUs: () => clock.nowUs, bounds,
    newMeter: (bucket, own, place) => new OwnMeter(own, { paceOf, ...place ?? assert.fail(bucket) }),
  })
  const enter = (caller: MeteredCaller): KeyMeters => {
    const found = meters.get(caller.apiKey) ?? meters.add(caller, limits, meters.generation)
    meters.ready(caller)
    return found
  }
  return { clock, meters, enter }
}

const remaining = (entry: KeyMeters, nowUs: number): number[] =>
  (['key', 'merchant', 'route'] as const).map((name) => entry.meter(name, 0).remaining(nowUs))

describe('a caller who keeps what it pays from', () => {
  test('keeps it from its first use on, and finds it without asking for its key', () => {
    const { meters, enter } = tableOf({ keys: 4, tenants: 4 })
    const caller = callerOf()
    assert.equal(meters.ready(caller), undefined)
    const entry = enter(caller)
    assert.equal(caller.meters, entry)
    assert.equal(meters.ready({ ...caller, apiKey: newId('apiKey', from) }), entry, 'what is kept is believed: it is the authenticator who makes callers')
  })

  for (const [what, bounds, own] of [
    ['its key', { keys: 1, tenants: 50 }, false],
    ['its merchant', { keys: 50, tenants: 1 }, false],
    ['both', { keys: 1, tenants: 1 }, false],
    ['its key, for another of its merchant', { keys: 1, tenants: 50 }, true],
  ] as const) {
    test(`spends nothing of who has its place once ${what} was forgotten`, () => {
      const { clock, meters, enter } = tableOf(bounds)
      const early = callerOf()
      const entry = enter(early)
      assert.equal(entry.spend(0, 5, clock.nowUs), undefined)
      assert.equal(entry.spend(0, 1, clock.nowUs), 'key')
      clock.nowUs += refillUs
      const late = callerOf(own ? early.tenant : tenantOf())
      const other = enter(late)
      assert.ok(meters.get(late.apiKey) === other, 'there was room, since the first was idle')
      assert.equal(early.meters, entry)
      assert.equal(meters.ready(early), undefined, 'it is kept, and believed no more')
      assert.deepEqual(remaining(other, clock.nowUs), [5, 5, 5])
      assert.equal(other.spend(0, 4, clock.nowUs), undefined)
      const again = enter(early)
      assert.notEqual(again, entry)
      assert.equal(meters.ready(late), other)
      assert.equal(again.spend(0, 1, clock.nowUs), undefined)
      assert.deepEqual(remaining(other, clock.nowUs), [1, 1, 1], 'who comes back finds no room meanwhile, and shares with all who find none')
    })
  }

  test('hears of other limits before its next call, though another key of its merchant read them', () => {
    const { clock, meters, enter } = tableOf({ keys: 8, tenants: 8 })
    const tenant = tenantOf()
    const [one, other] = [callerOf(tenant), callerOf(tenant)]
    const [first, second] = [enter(one), enter(other)]
    meters.markStale(tenant.merchant)
    assert.deepEqual([meters.ready(one), meters.ready(other)], [undefined, undefined])
    const small = { ratePerS: 1, burst: 2 }
    meters.change(first, { key: small, merchant: small, route: small })
    assert.equal(meters.ready(other), undefined, 'they may be others again: whoever read them says when not')
    first.tenant.isStale = false
    assert.deepEqual([meters.ready(one), meters.ready(other)], [first, second])
    assert.equal(second.limit('key'), small)
    assert.deepEqual(remaining(second, clock.nowUs), [2, 2, 2])
  })

  test('keeps what it spent where its merchant alone was forgotten', () => {
    const { clock, meters, enter } = tableOf({ keys: 50, tenants: 1 })
    const caller = callerOf()
    enter(caller).spend(0, 5, clock.nowUs)
    // Of the merchant's bucket as much came back as it can hold, of the key's too; what the key spends then stays spent.
    clock.nowUs += refillUs
    enter(callerOf())
    assert.equal(meters.ready(caller), undefined)
    const entry = enter(caller)
    assert.equal(entry.spend(0, 3, clock.nowUs), undefined)
    assert.deepEqual(remaining(entry, clock.nowUs), [2, 2, 2])
  })
})

test('however keys and merchants come, are forgotten and come again, nobody gets more than burst + rate × window, nor less for another', () => {
  const step = fc.record({ who: fc.nat(11), cost: fc.integer({ min: 1, max: 3 }), us: fc.integer({ min: 0, max: 4_000_000 }) })
  fc.assert(fc.property(fc.array(step, { minLength: 20, maxLength: 200 }), (steps) => {
    const { clock, meters, enter } = tableOf({ keys: 4, tenants: 3 })
    const tenants = Array.from({ length: 6 }, tenantOf)
    const callers = Array.from({ length: 12 }, (_, at) => callerOf(tenants[at % 6]))
    const [keys, merchants] = [callers, tenants].map((all) => all.map(() => new OneBucket(startUs))) as [OneBucket[], OneBucket[]]
    for (const { who, cost, us } of steps) {
      clock.nowUs += us
      const caller = callers[who] ?? assert.fail()
      const entry = meters.ready(caller) ?? enter(caller)
      const [key, merchant] = [keys[who] ?? assert.fail(), merchants[who % 6] ?? assert.fail()]
      const isPaid = entry.spend(0, cost, clock.nowUs) === undefined
      // Who finds no place shares with all who find none, and may get less than its own limit.
      const isOwn = meters.get(caller.apiKey) === entry
      const mayPay = key.has(cost, clock.nowUs) && merchant.has(cost, clock.nowUs)
      if (isOwn) assert.equal(isPaid, mayPay)
      if (!isPaid || !isOwn) continue
      key.take(cost)
      merchant.take(cost)
    }
  }), { numRuns: 300 })
})

/** A bucket of `limit` that is never forgotten, in microtokens. */
class OneBucket {
  #level = limit.burst * 1e6
  #atUs: number

  constructor(nowUs: number) {
    this.#atUs = nowUs
  }

  has(cost: number, nowUs: number): boolean {
    this.#level = Math.min(limit.burst * 1e6, this.#level + (nowUs - this.#atUs) * limit.ratePerS)
    this.#atUs = nowUs
    return this.#level >= cost * 1e6
  }

  take(cost: number): void {
    this.#level -= cost * 1e6
  }
}
