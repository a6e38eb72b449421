import type { BucketBlock } from './bucket-block.ts'
import type { Limit, Pace } from './pace.ts'

/** One limit of one caller, wherever its tokens are kept. */
export type Meter = {
  readonly limit: Limit
  canSpend(cost: number, nowUs: number): boolean
  /** Takes what `canSpend` said is there. */
  spend(cost: number, nowUs: number): void
  waitUs(cost: number, nowUs: number): number
  remaining(nowUs: number): number
  /** Microseconds until one more whole token is there; 0 where it is full. */
  moreInUs(nowUs: number): number
  fullInUs(nowUs: number): number
  /** Goes on with another limit; what was spent stays spent. */
  change(limit: Limit): void
}

/** All or none: one that refuses drains no other. @returns the meter that refuses, with nothing spent */
export function spendAll<M extends Meter>(meters: readonly M[], cost: number, nowUs: number): M | undefined {
  for (const meter of meters) if (!meter.canSpend(cost, nowUs)) return meter
  for (const meter of meters) meter.spend(cost, nowUs)
  return undefined
}

/** A limit whose tokens are in this process alone: a place in a block of buckets. */
export class OwnMeter implements Meter {
  readonly #block: BucketBlock
  readonly #at: number
  #pace: Pace
  #limit: Limit
  readonly #paceOf: (limit: Limit) => Pace

  /** @param from where its bucket is; it begins at 0 of its clock, when its keeper began */
  constructor(limit: Limit, from: { readonly paceOf: (limit: Limit) => Pace; readonly block: BucketBlock; readonly at: number }) {
    this.#block = from.block
    this.#at = from.at
    this.#pace = from.paceOf(limit)
    this.#limit = limit
    this.#paceOf = from.paceOf
  }

  get limit(): Limit {
    return this.#limit
  }

  canSpend(cost: number, nowUs: number): boolean {
    return this.#block.canSpend(this.#at, this.#pace, cost, nowUs)
  }

  spend(cost: number): void {
    this.#block.spend(this.#at, this.#pace, cost)
  }

  waitUs(cost: number, nowUs: number): number {
    return this.#block.waitUs(this.#at, this.#pace, cost, nowUs)
  }

  remaining(nowUs: number): number {
    return this.#block.remaining(this.#at, this.#pace, nowUs)
  }

  moreInUs(nowUs: number): number {
    return this.#block.moreInUs(this.#at, this.#pace, nowUs)
  }

  fullInUs(nowUs: number): number {
    return this.#block.fullInUs(this.#at, this.#pace, nowUs)
  }

  change(limit: Limit): void {
    this.#limit = limit
    this.#pace = this.#paceOf(limit)
    this.#block.cut(this.#at, this.#pace)
  }
}
