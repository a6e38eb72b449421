import { RateLimitError } from './errors.ts'
import type { Runtime } from './runtime.ts'
import type { Price, ServerLimits } from './server-limits.ts'

export type RateLimits = {
  /** Requests in a second, in the long run. */
  readonly ratePerS: number
  /** Requests at once after a rest. */
  readonly burst: number
  /** Requests that wait for their turn; one more is refused, so that a runaway loop hears of itself. */
  readonly queueMax: number
}

type Waiter = { readonly price: Price; readonly go: () => void }

/**
 * A token bucket with a queue: never more than `burst + ratePerS × seconds` requests leave in any span of time, and none
 * while the server's limits are spent. First come, first served.
 */
export class RateLimiter {
  readonly #limits: RateLimits
  readonly #server: ServerLimits
  readonly #runtime: Pick<Runtime, 'elapsedMs' | 'after'>
  readonly #queue: Waiter[] = []
  #tokens: number
  #filledAtMs: number
  #cancelTimer: (() => void) | undefined

  constructor(limits: RateLimits, server: ServerLimits, runtime: Pick<Runtime, 'elapsedMs' | 'after'>) {
    this.#limits = limits
    this.#server = server
    this.#runtime = runtime
    this.#tokens = limits.burst
    this.#filledAtMs = runtime.elapsedMs()
  }

  /**
   * Waits for a turn.
   * @returns whether it came; not where the signal ended the wait
   * @throws RateLimitError `sdk/rate_limited` where the queue is full, or the turn would come later than `waitMsMax`
   */
  async turn(price: Price, waitMsMax: number, signal: AbortSignal): Promise<boolean> {
    if (signal.aborted) return false
    const delayMs = this.#delayMs(this.#queue.length, price)
    if (delayMs === 0 && this.#queue.length === 0) return this.#take(price)
    if (this.#queue.length >= this.#limits.queueMax || delayMs > waitMsMax) throw limited(delayMs)
    return new Promise((resolve) => {
      const leave = (): void => {
        const at = this.#queue.indexOf(waiter)
        if (at >= 0) this.#queue.splice(at, 1)
        resolve(false)
      }
      const waiter: Waiter = {
        price,
        go: () => {
          signal.removeEventListener('abort', leave)
          resolve(this.#take(price))
        },
      }
      signal.addEventListener('abort', leave, { once: true })
      this.#queue.push(waiter)
      this.#schedule()
    })
  }

  #take(price: Price): true {
    this.#tokens--
    this.#server.took(price)
    return true
  }

  /** How long until whoever has so many before him may go, as far as is known now. */
  #delayMs(before: number, price: Price): number {
    const nowMs = this.#runtime.elapsedMs()
    const { ratePerS, burst } = this.#limits
    // A clock that stands or steps back fills nothing.
    this.#tokens = Math.min(burst, this.#tokens + Math.max(0, nowMs - this.#filledAtMs) * ratePerS / 1_000)
    this.#filledAtMs = Math.max(this.#filledAtMs, nowMs)
    const missing = before + 1 - this.#tokens
    const ownMs = missing <= 0 ? 0 : missing * 1_000 / ratePerS
    return Math.max(ownMs, this.#server.delayMs(price, nowMs))
  }

  #schedule(): void {
    const [first] = this.#queue
    if (this.#cancelTimer !== undefined || first === undefined) return
    this.#cancelTimer = this.#runtime.after(Math.ceil(this.#delayMs(0, first.price)), () => {
      this.#cancelTimer = undefined
      for (let [next] = this.#queue; next !== undefined && this.#delayMs(0, next.price) === 0; [next] = this.#queue) {
        this.#queue.shift()
        next.go()
      }
      this.#schedule()
    })
  }
}

function limited(delayMs: number): RateLimitError {
  return new RateLimitError({
    code: 'sdk/rate_limited', message: 'too many requests at once: nothing was sent', retryAfterS: Math.ceil(delayMs / 1_000),
  })
}
