import type { Limit } from './pace.ts'
import { TokenBucket } from './token-bucket.ts'

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

/** The same of three, without a list of them: each request passes here. */
export function spendThree(one: Meter, two: Meter, three: Meter, cost: number, nowUs: number): Meter | undefined {
  if (!one.canSpend(cost, nowUs)) return one
  if (!two.canSpend(cost, nowUs)) return two
  if (!three.canSpend(cost, nowUs)) return three
  one.spend(cost, nowUs)
  two.spend(cost, nowUs)
  three.spend(cost, nowUs)
  return undefined
}

/** A limit whose tokens are in this process alone. */
export class OwnMeter extends TokenBucket implements Meter {
  readonly #paceOf: (limit: Limit) => TokenBucket['pace']
  limit: Limit

  constructor(limit: Limit, from: { readonly paceOf: (limit: Limit) => TokenBucket['pace']; readonly sinceUs: number; readonly nowUs: number }) {
    super(from.paceOf(limit), from.sinceUs, from.nowUs)
    this.limit = limit
    this.#paceOf = from.paceOf
  }

  change(limit: Limit): void {
    this.limit = limit
    this.pace = this.#paceOf(limit)
  }
}
