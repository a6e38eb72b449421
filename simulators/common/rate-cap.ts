/** Counts calls in the second that just went by. */
export class RateCap {
  readonly #perSecondMax: number
  readonly #nowMs: () => number
  readonly #calls = new Map<string, number[]>()

  constructor(perSecondMax: number, nowMs: () => number) {
    this.#perSecondMax = perSecondMax
    this.#nowMs = nowMs
  }

  take(who: string): boolean {
    const nowMs = this.#nowMs()
    const recent = (this.#calls.get(who) ?? []).filter((atMs) => atMs > nowMs - 1000)
    const isAllowed = recent.length < this.#perSecondMax
    if (isAllowed) recent.push(nowMs)
    this.#calls.set(who, recent)
    return isAllowed
  }
}
