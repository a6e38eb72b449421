import { settleDebts, type Grant, type LeasedMeter, type Want } from '@ngome/access'
import type { SharedStore } from './compose-limits.ts'
import type { RedisStore } from './redis-store.ts'

/** What a request waits at most for an answer of the store; after it, the store is away. A round trip takes below 1 ms. */
const answerMs = 10
/** How often a store that is away is asked whether it is back. */
const lookMs = 100
/** A question that has no answer for so long was asked of a dead connection. */
const deadMs = 3_000
/** Debts that one step settles. */
const debtsMax = 64

export type SharedStorePorts = {
  readonly redis: RedisStore
  readonly nowUs: () => number
  readonly onAway: (error: unknown) => void
  readonly onBack: (awayMs: number) => void
}

/**
 * The store as requests meet it: it answers soon or is away. While it is, nobody waits for it; it is asked behind them, and
 * counts again once it heard what was spent without it.
 */
export class DeadlineStore implements SharedStore {
  readonly #ports: SharedStorePorts
  /** Who spent while it was away; bounded by the meters in use. */
  readonly #indebted = new Set<LeasedMeter>()
  // Until it has answered once.
  #awaySinceUs: number | null
  #timer: NodeJS.Timeout | undefined
  #isStopped = false

  constructor(ports: SharedStorePorts) {
    this.#ports = ports
    this.#awaySinceUs = ports.nowUs()
    this.#look(0)
  }

  get awaySinceUs(): number | null {
    return this.#awaySinceUs
  }

  /** A meter spent what the store does not know of. */
  owes(meter: LeasedMeter): void {
    this.#indebted.add(meter)
  }

  async take(wants: readonly Want[]): Promise<readonly Grant[] | null> {
    try {
      return await within(answerMs, this.#ports.redis.take(wants))
    } catch (error) {
      this.#leave(error)
      return null
    }
  }

  stop(): void {
    this.#isStopped = true
    clearTimeout(this.#timer)
    this.#ports.redis.stop()
  }

  #leave(error: unknown): void {
    if (this.#awaySinceUs !== null) return
    this.#awaySinceUs = this.#ports.nowUs()
    if (this.#isStopped) return
    this.#ports.onAway(error)
    this.#look(lookMs)
  }

  #look(inMs: number): void {
    if (this.#isStopped) return
    this.#timer = setTimeout(() => void this.#tryBack(), inMs)
    this.#timer.unref()
  }

  async #tryBack(): Promise<void> {
    const { redis, nowUs, onBack } = this.#ports
    try {
      await within(deadMs, redis.ping())
      await this.#settle()
    } catch (error) {
      // Silence, not a refusal: the connection leads nowhere.
      if (error instanceof NoAnswer) redis.reconnect()
      this.#look(lookMs)
      return
    }
    const awayUs = nowUs() - (this.#awaySinceUs ?? nowUs())
    this.#awaySinceUs = null
    onBack(Math.round(awayUs / 1_000))
  }

  /** Meanwhile requests go on from their own buckets; what these spend then goes with the next that is taken. */
  async #settle(): Promise<void> {
    const { redis, nowUs } = this.#ports
    const store = { awaySinceUs: null, take: (wants: readonly Want[]) => within(deadMs, redis.take(wants)) }
    const owing = [...this.#indebted].filter((meter) => meter.hasDebt)
    this.#indebted.clear()
    while (owing.length > 0) {
      const some = owing.splice(0, debtsMax)
      try {
        await settleDebts(some, { store, nowUs })
      } catch (error) {
        for (const meter of [...some, ...owing]) this.#indebted.add(meter)
        throw error
      }
    }
  }
}

class NoAnswer extends Error {
  override readonly name = 'NoAnswer'
}

/** @throws NoAnswer where there was none in time */
async function within<T>(ms: number, work: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>()
  // An event loop that was busy runs its timers before it reads what has arrived: the answer comes first.
  const timer = setTimeout(() => setImmediate(() => late.reject(new NoAnswer(`no answer within ${ms} ms`))), ms)
  try {
    return await Promise.race([work, late.promise])
  } finally {
    clearTimeout(timer)
  }
}
