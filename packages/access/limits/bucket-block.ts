import { filled, moreInUs, nano, priceOf, usUntil, type Pace } from './pace.ts'

/** Of each bucket: what was there, in nanotokens, and when, in microseconds. */
const cellsEach = 2

/** Of three buckets that pay together. */
export type Three<T> = { readonly key: T; readonly merchant: T; readonly route: T }

/**
 * Token buckets side by side in one block of memory: with as many callers as no cache holds, a bucket that is an object with
 * two boxed numbers costs three waits for memory, one of these costs one. What a bucket gives is what a `TokenBucket` gives
 * that began at 0. It is named by its place; its pace is whoever's it is to say.
 *
 * Memory that was never touched is a bucket that began at 0 and was never looked at, and takes no room of the machine.
 */
export class BucketBlock {
  readonly #cells: Float64Array

  constructor(buckets: number) {
    this.#cells = new Float64Array(buckets * cellsEach)
  }

  /** Begins buckets anew, as if nobody had ever spent of them: for a place that another takes. */
  clear(at: number, buckets: number): void {
    this.#cells.fill(0, at * cellsEach, (at + buckets) * cellsEach)
  }

  /** Whether nobody ever looked at it: nothing was spent. */
  isUntouched(at: number): boolean {
    return this.#cells[at * cellsEach + 1] === 0
  }

  /** What was there stays, as far as another pace has room for it. */
  cut(at: number, pace: Pace): void {
    this.#cells[at * cellsEach] = Math.min(this.#level(at), pace.capacity)
  }

  canSpend(at: number, pace: Pace, cost: number, nowUs: number): boolean {
    return this.#fill(at, pace, nowUs) >= priceOf(pace, cost)
  }

  /** Takes what {@link canSpend} said is there; of what is not there, all that is. */
  spend(at: number, pace: Pace, cost: number): void {
    this.#cells[at * cellsEach] = Math.max(0, this.#level(at) - priceOf(pace, cost))
  }

  /** All or none: one that refuses drains no other. All are looked at first, so that memory is waited for once. @returns which refuses */
  spendThree(key: number, merchant: number, route: number, paces: Three<Pace>, cost: number, nowUs: number): keyof Three<Pace> | undefined {
    const ofKey = this.#fill(key, paces.key, nowUs) - priceOf(paces.key, cost)
    const ofMerchant = this.#fill(merchant, paces.merchant, nowUs) - priceOf(paces.merchant, cost)
    const ofRoute = this.#fill(route, paces.route, nowUs) - priceOf(paces.route, cost)
    // What is no number is nobody's bucket, and refuses.
    if (!(ofKey >= 0)) return 'key'
    if (!(ofMerchant >= 0)) return 'merchant'
    if (!(ofRoute >= 0)) return 'route'
    this.#cells[key * cellsEach] = ofKey
    this.#cells[merchant * cellsEach] = ofMerchant
    this.#cells[route * cellsEach] = ofRoute
    return undefined
  }

  waitUs(at: number, pace: Pace, cost: number, nowUs: number): number {
    return usUntil(priceOf(pace, cost) - this.#fill(at, pace, nowUs), pace.gain)
  }

  remaining(at: number, pace: Pace, nowUs: number): number {
    return Math.floor(this.#fill(at, pace, nowUs) / nano)
  }

  moreInUs(at: number, pace: Pace, nowUs: number): number {
    return moreInUs(pace, this.#fill(at, pace, nowUs))
  }

  fullInUs(at: number, pace: Pace, nowUs: number): number {
    return usUntil(pace.capacity - this.#fill(at, pace, nowUs), pace.gain)
  }

  /** Past the block there is no number, and nothing that could be spent. */
  #level(at: number): number {
    return this.#cells[at * cellsEach] ?? Number.NaN
  }

  #fill(at: number, pace: Pace, nowUs: number): number {
    const level = this.#level(at)
    const atUs = this.#cells[at * cellsEach + 1] ?? Number.NaN
    if (nowUs <= atUs) return level
    const now = filled(pace, level, nowUs - atUs)
    this.#cells[at * cellsEach] = now
    this.#cells[at * cellsEach + 1] = nowUs
    return now
  }
}

/** Who has which places of a block: so many in a row for each, given out again once somebody let go of them. */
export class Places {
  readonly #block: BucketBlock
  readonly #each: number
  readonly #end: number
  readonly #free: number[] = []
  #next: number

  /** @param of `each` buckets for each of `max`, from `begin` on */
  constructor(block: BucketBlock, of: { readonly begin: number; readonly max: number; readonly each: number }) {
    this.#block = block
    this.#each = of.each
    this.#next = of.begin
    this.#end = of.begin + of.max * of.each
  }

  /** @throws RangeError where there is none left: who takes one has a bound of his own */
  take(): number {
    const free = this.#free.pop()
    if (free !== undefined) return free
    if (this.#next >= this.#end) throw new RangeError('no place is left in the block')
    const at = this.#next
    this.#next += this.#each
    return at
  }

  /** Who lets go of a place must not ask there again: it may be another's. */
  release(at: number): void {
    this.#block.clear(at, this.#each)
    this.#free.push(at)
  }
}
