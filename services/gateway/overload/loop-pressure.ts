import { urgencies, type Urgency } from './concurrency-limit.ts'

/** The bounds of the event loop's delay, each with its reason. */
export const pressureBounds = {
  /**
   * A turn in which requests came to be that old is a long one. What one network's connections can ask at once is worked
   * off in less on a slow core (256 at 0.5 ms), so that clients who wait for their answers never make us late by themselves.
   */
  longTurnMs: 150,
  /** A turn below this ends it: half, so that a load at the edge does not go on and off. */
  shortTurnMs: 75,
  /** So many long turns in a row, over so long, are a delay that stands (CoDel's interval, RFC 8289 §4.2). One is a pause. */
  turnsMin: 3,
  standsAfterMs: 500,
  /** Without a request for so long nothing stands any more. */
  forgetAfterMs: 1_000,
  /** How old each kind may be when it is read while the delay stands: what can wait goes first. */
  ageMsMax: { deferrable: 100, ordinary: 150, vital: 300 },
} as const

/**
 * Sheds requests that lay too long before we read them. Times in handlers do not show a loop that comes late to everything,
 * such as one that is busy refusing bad keys: the age of a request does. All that is read in one turn of the event loop was
 * there when the turn began, so that a request is at least as old as the turn when we come to it. Whoever is first in a
 * turn is never shed, however late the turn is: a process that stood still for seconds serves what waited.
 */
export class LoopPressure {
  readonly #atTurnEnd: (end: () => void) => void
  readonly #endTurn: () => void
  #isInTurn = false
  #turnBeganAtMs = 0
  /** Age of the oldest request of this turn, and of the last one that has ended. */
  #ageMs = 0
  #formerAgeMs = 0
  #longTurns = 0
  #longSinceMs = 0
  #stands = false

  /** @param atTurnEnd calls back once when this turn of the event loop is over */
  constructor(atTurnEnd: (end: () => void) => void) {
    this.#atTurnEnd = atTurnEnd
    this.#endTurn = () => this.#judgeTurn()
  }

  /** How many kinds of requests were too old in the last turn: 0 where no delay stands. */
  get level(): number {
    return this.#stands ? urgencies.filter((urgency) => this.#formerAgeMs > pressureBounds.ageMsMax[urgency]).length : 0
  }

  /** Whether this one goes. @param receivedAtMs when we came to it */
  sheds(urgency: Urgency, receivedAtMs: number): boolean {
    if (!this.#isInTurn) this.#beginTurn(receivedAtMs)
    const ageMs = receivedAtMs - this.#turnBeganAtMs
    if (ageMs > this.#ageMs) this.#ageMs = ageMs
    return this.#stands && ageMs > pressureBounds.ageMsMax[urgency]
  }

  #beginTurn(nowMs: number): void {
    if (nowMs - this.#turnBeganAtMs - this.#formerAgeMs > pressureBounds.forgetAfterMs) this.#calm()
    this.#isInTurn = true
    this.#turnBeganAtMs = nowMs
    this.#ageMs = 0
    this.#atTurnEnd(this.#endTurn)
  }

  #judgeTurn(): void {
    this.#isInTurn = false
    const ageMs = this.#formerAgeMs = this.#ageMs
    if (ageMs < (this.#stands ? pressureBounds.shortTurnMs : pressureBounds.longTurnMs)) {
      this.#calm()
      return
    }
    if (this.#longTurns++ === 0) this.#longSinceMs = this.#turnBeganAtMs
    const longMs = this.#turnBeganAtMs + ageMs - this.#longSinceMs
    if (this.#longTurns >= pressureBounds.turnsMin && longMs >= pressureBounds.standsAfterMs) this.#stands = true
  }

  #calm(): void {
    this.#longTurns = 0
    this.#stands = false
  }
}
