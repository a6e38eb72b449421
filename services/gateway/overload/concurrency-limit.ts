import type { Operation } from '../api/operations.ts'

export type Urgency = Operation['urgency']
export const urgencies = ['deferrable', 'ordinary', 'vital'] as const satisfies readonly Urgency[]

/** What part of the limit each may fill: what can wait goes first, and a payment finds room to the last. */
export const shares: Readonly<Record<Urgency, number>> = { deferrable: 0.5, ordinary: 0.8, vital: 1 }

/** The bounds of the limit, each with its reason. */
export const concurrencyBounds = {
  /** What can wait may fill half, which is as many as one network may have connections: one busy merchant is no overload. */
  startsAt: 512,
  /** Four for each of the database's connections, since reads share round trips: fewer are never too many. */
  min: 64,
  /** Each holds below 100 KiB; and past this no database of ours answers sooner. */
  max: 1_024,
  /** How often the limit moves: long enough to hold some dozens of requests, short beside a client's patience. */
  windowMs: 500,
  /** Fewer answers of one kind say nothing about it. */
  samplesMin: 5,
  /** How much slower than at its best an operation may be before we call it queueing (Gradient2's default is 1.5). */
  tolerance: 2,
  /**
   * What a request may wait in our line, whatever the ratio: whom we send away waits a second at least. So the limit
   * settles at what is answered in this time (Little's law).
   */
  slackMs: 100,
  /** After two of these without an overload the best time is forgotten: the machine or the database may be another one. */
  epochMs: 30_000,
} as const

/** One operation's times: of this window, and its best mean in this epoch and the one before. */
type Times = { count: number; sumMs: number; bestMs: number; formerBestMs: number }

/**
 * How many requests may be in handlers at once, learned from how long they take: the gradient between an operation's best
 * mean time and its present one moves the limit, as in Netflix's concurrency-limits (Gradient2) and Envoy's adaptive
 * concurrency. Each operation is held against itself, so that another mixture of them is no overload.
 *
 * It differs from both where they turn clients away without need. Gradient2 leaves a limit alone that is not filled; ours
 * falls only in a window in which somebody found no room: clients who wait for their answers, and fit, are no overload,
 * however slow they make each other. And no probe cuts the limit to measure the best time anew, as Envoy's does: the best is
 * a windowed minimum that is kept for as long as anybody is sent away, so that an overload that lasts does not become the
 * measure; where it has become wrong for good, the lowest limit still keeps the database at work.
 */
export class ConcurrencyLimit {
  readonly #times = new Map<string, Times>()
  #limit: number = concurrencyBounds.startsAt
  #inFlight = 0
  #mostInFlight = 0
  #hasShed = false
  #hasShedInEpoch = false
  #windowEndsAtMs: number
  #epochEndsAtMs: number

  constructor(nowMs: number) {
    this.#windowEndsAtMs = nowMs + concurrencyBounds.windowMs
    this.#epochEndsAtMs = nowMs + concurrencyBounds.epochMs
  }

  /** How many there may be now. */
  get limit(): number {
    return this.#limit
  }

  get inFlight(): number {
    return this.#inFlight
  }

  hasRoom(urgency: Urgency): boolean {
    if (this.#inFlight < this.#limit * shares[urgency]) return true
    this.#hasShed = true
    return false
  }

  /** A request enters its handler; whoever says so asked {@link hasRoom} just before. */
  begin(): void {
    this.#inFlight++
    if (this.#inFlight > this.#mostInFlight) this.#mostInFlight = this.#inFlight
  }

  /** It has left it, after so long. */
  end(operation: string, ms: number, nowMs: number): void {
    this.#inFlight--
    let times = this.#times.get(operation)
    if (times === undefined) this.#times.set(operation, times = { count: 0, sumMs: 0, bestMs: Infinity, formerBestMs: Infinity })
    times.count++
    times.sumMs += ms
    if (nowMs >= this.#windowEndsAtMs) this.#endWindow(nowMs)
  }

  #endWindow(nowMs: number): void {
    const { min, max, startsAt, windowMs } = concurrencyBounds
    const gradient = this.#gradient()
    if (gradient < 1) {
      if (this.#hasShed) this.#limit = Math.max(min, this.#limit * gradient)
    } else if (this.#limit < startsAt || this.#mostInFlight >= this.#limit * shares.deferrable) {
      // Up to where it began for nothing; past that only where it is filled, since else nothing was learned about more.
      this.#limit = Math.min(max, this.#limit + Math.sqrt(this.#limit))
    }
    this.#mostInFlight = this.#inFlight
    this.#hasShedInEpoch ||= this.#hasShed
    this.#hasShed = false
    this.#windowEndsAtMs = nowMs + windowMs
    if (nowMs >= this.#epochEndsAtMs) this.#endEpoch(nowMs)
  }

  /** Between 0.5 and 1: how far the answers of this window are from the best of their kinds. */
  #gradient(): number {
    let expectedMs = 0
    let observedMs = 0
    for (const times of this.#times.values()) {
      if (times.count >= concurrencyBounds.samplesMin) {
        const meanMs = times.sumMs / times.count
        times.bestMs = Math.min(times.bestMs, meanMs)
        const bestMs = Math.min(times.bestMs, times.formerBestMs)
        expectedMs += times.count * Math.max(bestMs * concurrencyBounds.tolerance, bestMs + concurrencyBounds.slackMs)
        observedMs += times.sumMs
      }
      times.count = 0
      times.sumMs = 0
    }
    return observedMs === 0 ? 1 : Math.min(1, Math.max(0.5, expectedMs / observedMs))
  }

  #endEpoch(nowMs: number): void {
    if (!this.#hasShedInEpoch) {
      for (const times of this.#times.values()) {
        times.formerBestMs = times.bestMs
        times.bestMs = Infinity
      }
    }
    this.#hasShedInEpoch = false
    this.#epochEndsAtMs = nowMs + concurrencyBounds.epochMs
  }
}
