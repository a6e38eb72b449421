import { filled, moreInUs, nano, priceOf, usUntil, type Pace } from './pace.ts'

/**
 * A token bucket: `rate` tokens a second, never more than `burst` at once. What it gives in any window of its clock is at
 * most burst + rate × window.
 *
 * A clock that goes back gains nothing until it is past where it was; one that jumps ahead gains one burst at most. A
 * bucket is never taken for fuller than its rate could have filled it since `sinceUs`, when whoever keeps it began: one
 * who forgot everything cannot give anew what was given before.
 */
export class TokenBucket {
  #pace: Pace
  #level = 0
  #atUs: number

  constructor(pace: Pace, sinceUs: number, nowUs: number) {
    this.#pace = pace
    this.#atUs = sinceUs
    this.#fill(nowUs)
  }

  get pace(): Pace {
    return this.#pace
  }

  /** Goes on with another pace; what is there stays, as far as it has room. */
  set pace(pace: Pace) {
    this.#pace = pace
    this.#level = Math.min(this.#level, pace.capacity)
  }

  /** Whether there is as much as this costs. */
  canSpend(cost: number, nowUs: number): boolean {
    this.#fill(nowUs)
    return this.#level >= priceOf(this.#pace, cost)
  }

  /** Takes what {@link canSpend} said is there; of what is not there, all that is. */
  spend(cost: number): void {
    this.#level = Math.max(0, this.#level - priceOf(this.#pace, cost))
  }

  /** Microseconds until this cost can be paid, if nobody else takes. */
  waitUs(cost: number, nowUs: number): number {
    this.#fill(nowUs)
    return usUntil(priceOf(this.#pace, cost) - this.#level, this.#pace.gain)
  }

  /** Whole tokens that are there. */
  remaining(nowUs: number): number {
    this.#fill(nowUs)
    return Math.floor(this.#level / nano)
  }

  /** Microseconds until one more whole token is there; 0 where it is full. */
  moreInUs(nowUs: number): number {
    this.#fill(nowUs)
    return moreInUs(this.#pace, this.#level)
  }

  /** Microseconds until it is full. */
  fullInUs(nowUs: number): number {
    this.#fill(nowUs)
    return usUntil(this.#pace.capacity - this.#level, this.#pace.gain)
  }

  #fill(nowUs: number): void {
    if (nowUs <= this.#atUs) return
    this.#level = filled(this.#pace, this.#level, nowUs - this.#atUs)
    this.#atUs = nowUs
  }
}
