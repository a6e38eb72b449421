const minuteMs = 60_000
/** Refusals of one caller that are recorded one by one within a minute: far more than any of our processes causes. */
export const recordedPerMinuteMax = 240
/** Callers that are counted apart; past this the longest quiet one is forgotten, and only counts anew. */
const callersMax = 1_024

/**
 * Bounds what refused calls may write. The log grows with every refusal, so that who may only be refused could else
 * fill the disk, after which nothing could be opened either.
 */
export class RefusalMeter {
  readonly #counts = new Map<string, { minute: number; refusals: number }>()

  /** Counts a refusal. @returns whether to record it: as it is, as the last of this minute, or not */
  count(caller: string, nowMs: number): 'whole' | 'last' | 'not' {
    const minute = Math.floor(nowMs / minuteMs)
    const known = this.#counts.get(caller)
    const refusals = known?.minute === minute ? known.refusals + 1 : 1
    this.#counts.delete(caller)
    this.#counts.set(caller, { minute, refusals })
    for (const quietest of this.#counts.keys()) {
      if (this.#counts.size <= callersMax) break
      this.#counts.delete(quietest)
    }
    if (refusals <= recordedPerMinuteMax) return 'whole'
    return refusals === recordedPerMinuteMax + 1 ? 'last' : 'not'
  }
}
