import type { SeenNetworkStatus } from '@ngome/contracts'
import type { Clock } from '@ngome/kernel'

/** What is older says nothing of now. */
export const windowMs = 30_000
/** So many failures, of different payments, and half of all that was asked: less is a bad number or a slow minute. */
export const failuresMin = 5
const failingShare = 0.5
/** The first pause, and the longest: each one that ends in a failure doubles the next. */
export const pauseMinMs = 5_000
export const pauseMaxMs = 60_000
/** Who was let through and says nothing of it died on the way: another is let through. Above every request's timeout. */
export const probeMs = 90_000
/** Of each, the last: a share is known from fewer. */
const countedMax = 1_000
const degradedFrom = 2

type State =
  | { readonly kind: 'closed' }
  | { readonly kind: 'open'; readonly sinceMs: number; readonly pauseMs: number }
  | { readonly kind: 'half_open'; readonly pauseMs: number; readonly probeSinceMs: number }

/** When something was asked; what came of it counts only while nothing changed since. */
export type Era = number & { readonly __brand: 'era' }

/**
 * Keeps a network that fails from being asked: `closed` all pass, `open` nobody does for a pause, then `half_open` one does, whose word
 * closes it or opens it for twice as long.
 */
export class CircuitBreaker {
  readonly #clock: Clock
  #state: State = { kind: 'closed' }
  #era = 0
  readonly #failures = new Map<string, number>()
  #wells: number[] = []

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get state(): State['kind'] {
    return this.#state.kind
  }

  get era(): Era {
    return this.#era as Era
  }

  /** `down` until a word of the network's closed it again: that somebody may ask is no word. */
  get status(): SeenNetworkStatus {
    if (this.#state.kind !== 'closed') return 'down'
    this.#forgetOld()
    return this.#failures.size >= degradedFrom ? 'degraded' : 'operational'
  }

  /** Whether the network may be asked now. After a pause it is true once, for whoever comes first. */
  mayPass(): boolean {
    const nowMs = this.#clock.nowMs()
    const state = this.#state
    switch (state.kind) {
      case 'closed': return true
      case 'open':
        if (!isOver(state.sinceMs, state.pauseMs, nowMs)) return false
        break
      case 'half_open':
        if (!isOver(state.probeSinceMs, probeMs, nowMs)) return false
        break
      default: return state satisfies never
    }
    this.#become({ kind: 'half_open', pauseMs: state.pauseMs, probeSinceMs: nowMs })
    return true
  }

  /** The network answered, whatever it said. */
  worked(era: Era): void {
    if (era !== this.#era || this.#state.kind === 'open') return
    if (this.#state.kind === 'half_open') this.#become({ kind: 'closed' })
    else {
      if (this.#wells.length >= countedMax) this.#wells.shift()
      this.#wells.push(this.#clock.nowMs())
    }
  }

  /** @param subject of which payment: one that nobody can pay is one failure, however often it is tried; without one, one each second */
  failed(era: Era, subject?: string): void {
    if (era !== this.#era || this.#state.kind === 'open') return
    const nowMs = this.#clock.nowMs()
    if (this.#state.kind === 'half_open') {
      this.#become({ kind: 'open', sinceMs: nowMs, pauseMs: Math.min(this.#state.pauseMs * 2, pauseMaxMs) })
      return
    }
    this.#forgetOld()
    if (this.#failures.size < countedMax) this.#failures.set(subject ?? `at ${Math.floor(nowMs / 1_000)}`, nowMs)
    const failures = this.#failures.size
    if (failures < failuresMin || failures < (failures + this.#wells.length) * failingShare) return
    this.#become({ kind: 'open', sinceMs: nowMs, pauseMs: pauseMinMs })
  }

  #become(state: State): void {
    this.#state = state
    this.#era++
    this.#failures.clear()
    this.#wells = []
  }

  #forgetOld(): void {
    const nowMs = this.#clock.nowMs()
    for (const [subject, atMs] of this.#failures) if (isOver(atMs, windowMs, nowMs)) this.#failures.delete(subject)
    const isAnyOld = this.#wells[0] !== undefined && isOver(this.#wells[0], windowMs, nowMs)
    if (isAnyOld) this.#wells = this.#wells.filter((atMs) => !isOver(atMs, windowMs, nowMs))
  }
}

/** A clock that was set back ends a time at once: nobody waits for an hour that was before. */
function isOver(sinceMs: number, forMs: number, nowMs: number): boolean {
  return nowMs - sinceMs >= forMs || nowMs < sinceMs
}
