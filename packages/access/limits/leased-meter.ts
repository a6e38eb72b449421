import type { Meter } from './meter.ts'
import { nano, paceOf, shareOf, usUntil, type Limit, type Pace } from './pace.ts'
import { TokenBucket } from './token-bucket.ts'
import type { Grant, TokenStore, Want } from './token-store.ts'

/** How long tokens that were taken ahead count; those that nobody spent by then are lost. */
const leaseUsMax = 100_000
/** When to ask again for what only the store can give. */
const awayWaitUs = 5_000_000
/** What one takes ahead, beside what waits for it: an eighth of the bucket at most, so that no gateway holds it all. */
const aheadParts = 8

type Lease = { tokens: number; untilUs: number }

/**
 * A limit that several gateways share. Tokens are taken from the store before they are spent, some ahead of need; what was
 * taken counts for `leaseUs` and is then lost. The store's bucket is smaller than the limit's burst by what its rate gives
 * in that time, so that all that is held anywhere, and all that can be taken, is never more than the burst.
 *
 * Where the store is away the gateway has a bucket of its own: an equal share of the limit, empty when it begins, since
 * what was in the store's may be spent already. What it spends meanwhile is a debt to the store.
 */
export class LeasedMeter implements Meter {
  readonly bucket: string
  readonly #store: TokenStore
  readonly #gateways: number
  readonly #onDebt: (meter: LeasedMeter) => void
  #limit: Limit
  #share: Pace
  #storePace: Pace
  #leaseUs: number
  readonly #older: Lease = { tokens: 0, untilUs: 0 }
  readonly #newer: Lease = { tokens: 0, untilUs: 0 }
  #own: { readonly bucket: TokenBucket; readonly sinceUs: number } | undefined
  #debt = 0
  /** Of requests that wait for the store. */
  #waiting = 0
  #spentSinceTake = 0
  #tookAtUs = 0
  #level: number
  #levelAtUs = 0
  #refused = { price: 0, untilUs: 0 }

  constructor(bucket: string, limit: Limit, from: {
    readonly store: TokenStore
    readonly gateways: number
    /** Told when it begins to owe, so that somebody settles it when the store is back. */
    readonly onDebt?: (meter: LeasedMeter) => void
  }) {
    this.bucket = bucket
    this.#onDebt = from.onDebt ?? (() => undefined)
    this.#store = from.store
    this.#gateways = from.gateways
    this.#limit = limit
    this.#share = shareOf(paceOf(limit), from.gateways)
    this.#leaseUs = leaseOf(paceOf(limit))
    this.#storePace = storePaceOf(paceOf(limit))
    this.#level = this.#storePace.capacity
  }

  get limit(): Limit {
    return this.#limit
  }

  change(limit: Limit): void {
    this.#limit = limit
    this.#share = shareOf(paceOf(limit), this.#gateways)
    this.#leaseUs = Math.min(this.#leaseUs, leaseOf(paceOf(limit)))
    this.#storePace = storePaceOf(paceOf(limit))
    if (this.#own !== undefined) this.#own.bucket.pace = this.#share
    this.#refused = { price: 0, untilUs: 0 }
  }

  canSpend(cost: number, nowUs: number): boolean {
    const price = this.#price(cost)
    if (this.#held(nowUs) >= price) return true
    // What costs more than this gateway's whole part waits for the store: to take it for less would pass the limit.
    return this.#store.awaySinceUs !== null && price <= this.#share.capacity && this.#ownBucket(nowUs).canSpend(cost, nowUs)
  }

  spend(cost: number, nowUs: number): void {
    const price = this.#price(cost)
    if (this.#held(nowUs) >= price) {
      this.#spentSinceTake += price
      const fromOlder = nowUs < this.#older.untilUs ? Math.min(this.#older.tokens, price) : 0
      this.#older.tokens -= fromOlder
      this.#newer.tokens -= price - fromOlder
      return
    }
    this.#ownBucket(nowUs).spend(cost)
    // No more than the share's burst: what its rate gave meanwhile, the store's bucket could not have taken in (docs/adr/0018).
    if (this.#debt === 0) this.#onDebt(this)
    this.#debt = Math.min(this.#debt + price, this.#share.capacity)
  }

  /** Whether the store said that this cost cannot be met yet, so that asking again is of no use. */
  isRefused(cost: number, nowUs: number): boolean {
    return nowUs < this.#refused.untilUs && this.#price(cost) >= this.#refused.price
  }

  /** Whether it is time to take more ahead, since half of what is spent in a lease is left. */
  isLow(nowUs: number): boolean {
    return this.#store.awaySinceUs === null && this.#held(nowUs) * 2 < this.#spentSinceTake && nowUs >= this.#refused.untilUs
  }

  waitUs(cost: number, nowUs: number): number {
    if (this.#store.awaySinceUs !== null) {
      return this.#price(cost) > this.#share.capacity ? awayWaitUs : this.#ownBucket(nowUs).waitUs(cost, nowUs)
    }
    return Math.max(0, this.#refused.untilUs - nowUs, usUntil(this.#price(cost) - this.#known(nowUs), this.#storePace.gain))
  }

  remaining(nowUs: number): number {
    if (this.#store.awaySinceUs !== null) return this.#ownBucket(nowUs).remaining(nowUs)
    return Math.max(0, Math.floor(Math.min(this.#known(nowUs), this.#limit.burst * nano) / nano))
  }

  moreInUs(nowUs: number): number {
    if (this.#store.awaySinceUs !== null) return this.#ownBucket(nowUs).moreInUs(nowUs)
    const { capacity, gain } = this.#storePace
    const known = this.#known(nowUs)
    return usUntil(Math.min(nano - Math.min(known, known % nano), capacity - known), gain)
  }

  /** Full as far as this gateway knows: nothing spent here that still counts. */
  fullInUs(nowUs: number): number {
    if (this.#debt > 0 || this.#waiting > 0) return Number.MAX_SAFE_INTEGER
    if (this.#store.awaySinceUs !== null) return this.#ownBucket(nowUs).fullInUs(nowUs)
    return Math.max(0, this.#newer.untilUs - nowUs, usUntil(this.#storePace.capacity - this.#known(nowUs), this.#storePace.gain))
  }

  get hasDebt(): boolean {
    return this.#debt > 0
  }

  /** A request begins (`1`) or ends (`-1`) to wait for the store. */
  wait(cost: number, count: 1 | -1): void {
    this.#waiting += count * this.#price(cost)
  }

  /**
   * What to take now. Until {@link settle} hears what came of it, the debt that goes with it is told.
   * @param cost 0 to take ahead only
   */
  want(cost: number, nowUs: number): Want {
    if (nowUs - this.#tookAtUs > this.#leaseUs) this.#spentSinceTake = 0
    const { capacity } = this.#storePace
    const need = Math.max(0, this.#price(cost) - this.#held(nowUs))
    const ahead = Math.min(this.#spentSinceTake, Math.floor(capacity / aheadParts))
    const want = Math.min(capacity, Math.max(need, this.#waiting) + ahead)
    const debt = this.#debt
    this.#debt = 0
    this.#spentSinceTake = 0
    this.#tookAtUs = nowUs
    return { bucket: this.bucket, pace: this.#storePace, need, want, debt }
  }

  /** Asks for nothing: tells the store what was spent while it was away. */
  settlement(): Want {
    const debt = this.#debt
    this.#debt = 0
    return { bucket: this.bucket, pace: this.#storePace, need: 0, want: 0, debt }
  }

  /** @param sentAtUs when it was asked for: the lease counts from there, before the store's own moment */
  settle(want: Want, grant: Grant | null, sentAtUs: number, nowUs: number): void {
    if (grant === null) {
      // It may have been taken off all the same: then the merchant has less for a moment, never more.
      if (want.debt > 0 && this.#debt === 0) this.#onDebt(this)
      this.#debt = Math.min(this.#debt + want.debt, this.#share.capacity)
      return
    }
    this.#level = grant.level
    this.#levelAtUs = nowUs
    if (grant.taken > 0) this.#keep(grant.taken, sentAtUs + this.#leaseUs, nowUs)
    this.#refused = grant.waitUs > 0 ? { price: want.need, untilUs: nowUs + grant.waitUs } : { price: 0, untilUs: 0 }
  }

  #keep(tokens: number, untilUs: number, nowUs: number): void {
    const { tokens: left, untilUs: until } = this.#newer
    const isOlderSpent = this.#older.tokens === 0 || nowUs >= this.#older.untilUs
    if (isOlderSpent) Object.assign(this.#older, { tokens: left, untilUs: until })
    // Two leases still run: the third goes on under the sooner end of the second.
    const isShared = !isOlderSpent && left > 0 && nowUs < until
    Object.assign(this.#newer, isShared ? { tokens: left + tokens, untilUs: Math.min(until, untilUs) } : { tokens, untilUs })
  }

  #held(nowUs: number): number {
    return (nowUs < this.#older.untilUs ? this.#older.tokens : 0) + (nowUs < this.#newer.untilUs ? this.#newer.tokens : 0)
  }

  /** Held here, and as much as the store had when it last spoke, with what its rate gave since: a hint. */
  #known(nowUs: number): number {
    const { capacity, gain } = this.#storePace
    return this.#held(nowUs) + Math.min(capacity, this.#level + Math.max(0, nowUs - this.#levelAtUs) * gain)
  }

  #ownBucket(nowUs: number): TokenBucket {
    const sinceUs = this.#store.awaySinceUs ?? nowUs
    if (this.#own?.sinceUs !== sinceUs) this.#own = { bucket: new TokenBucket(this.#share, sinceUs, nowUs), sinceUs }
    return this.#own.bucket
  }

  /** What costs more than the store's bucket can ever hold, at least half of the burst, costs all of that: else it could never be paid. */
  #price(cost: number): number {
    return Math.min(cost * nano, this.#storePace.capacity)
  }
}

function leaseOf({ capacity, gain }: Pace): number {
  return Math.min(leaseUsMax, Math.floor(capacity / (2 * gain)))
}

function storePaceOf(pace: Pace): Pace {
  return { capacity: pace.capacity - pace.gain * leaseOf(pace), gain: pace.gain }
}
