import type { Quota } from './rate-limit-fields.ts'

type Left = { remaining: number; readonly resetsAtMs: number }

const namesMax = 16
/** Without a time of its own a spent quota is asked about again after this. */
const resetMsDefault = 1_000

/** What the server last said of its limits: nothing is sent while one of them is spent. */
export class ServerLimits {
  readonly #left = new Map<string, Left>()
  #heldUntilMs = 0
  #inFlight = 0

  /** A request leaves. */
  took(): void {
    this.#inFlight++
    for (const left of this.#left.values()) left.remaining--
  }

  /** Its answer came, or none will. */
  ended(): void {
    this.#inFlight--
  }

  /** Takes over what an answer says; requests that are under way may not be counted in it yet. */
  note(quotas: readonly Quota[], nowMs: number): void {
    for (const { name, remaining, resetS } of quotas) {
      if (!this.#left.has(name) && this.#left.size >= namesMax) continue
      const resetsAtMs = nowMs + (resetS === undefined ? resetMsDefault : resetS * 1_000)
      this.#left.set(name, { remaining: remaining - this.#inFlight, resetsAtMs })
    }
  }

  /** The server refused a request and said when to come back. */
  hold(untilMs: number): void {
    this.#heldUntilMs = Math.max(this.#heldUntilMs, untilMs)
  }

  /** How long until the next request may leave; 0: now. */
  delayMs(nowMs: number): number {
    let untilMs = this.#heldUntilMs
    for (const [name, { remaining, resetsAtMs }] of this.#left) {
      if (resetsAtMs <= nowMs) this.#left.delete(name)
      else if (remaining <= 0) untilMs = Math.max(untilMs, resetsAtMs)
    }
    return Math.max(0, untilMs - nowMs)
  }
}
