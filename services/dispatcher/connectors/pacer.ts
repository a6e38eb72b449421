import { setTimeout as sleep } from 'node:timers/promises'
import type { Clock } from '@ngome/kernel'

/** Why nobody was asked: the cap is ours to keep, and says nothing of the network. */
export const tooManyEnquiries = 'too many enquiries wait'

/** Spreads calls evenly, so that a cap for each second is kept in every second and not only on average. */
export class Pacer {
  readonly #gapMs: number
  readonly #clock: Clock
  #nextAtMs = 0

  constructor(perSecondMax: number, clock: Clock) {
    this.#gapMs = Math.ceil(1000 / perSecondMax)
    this.#clock = clock
  }

  /**
   * Waits for this caller's turn.
   * @returns false, at once, where the turn would come later than `patienceMs` from now
   */
  async turn(patienceMs: number): Promise<boolean> {
    const nowMs = this.#clock.nowMs()
    const atMs = Math.max(nowMs, this.#nextAtMs)
    if (atMs - nowMs > patienceMs) return false
    this.#nextAtMs = atMs + this.#gapMs
    if (atMs > nowMs) await sleep(atMs - nowMs)
    return true
  }
}
