import { urgencies, type Urgency } from './concurrency-limit.ts'

/** The bounds of the event loop's pressure, each with its reason. */
export const pressureBounds = {
  /** How often we look. */
  tickMs: 250,
  /** A mean delay past this is felt by every request; a healthy loop has a few milliseconds. */
  delayMsMax: 100,
  /** Below this share of the time at work it is the machine that is late, not we: shedding would not help. */
  utilizationMin: 0.9,
  /** Two and a half seconds of it until one kind of request is shed whole, five until it is served whole again. */
  stepUp: 0.1,
  stepDown: 0.05,
  /** Of what is vital a tenth is answered even then. */
  levelMax: 2.9,
} as const

/**
 * How far the event loop is behind, as the share of requests that is shed: the first unit of the level is what can wait,
 * the second what is ordinary, the third what is vital. Times in handlers do not show a loop that comes late to everything,
 * such as one that is busy refusing bad keys.
 */
export class LoopPressure {
  #level = 0
  readonly #owed: Record<Urgency, number> = { deferrable: 0, ordinary: 0, vital: 0 }

  get level(): number {
    return this.#level
  }

  /** @param delayMs mean delay of the loop since the last look @param utilization share of that time at work, 0 to 1 */
  observe(delayMs: number, utilization: number): void {
    const isBehind = delayMs > pressureBounds.delayMsMax && utilization >= pressureBounds.utilizationMin
    this.#level = isBehind
      ? Math.min(pressureBounds.levelMax, this.#level + pressureBounds.stepUp)
      : Math.max(0, this.#level - pressureBounds.stepDown)
  }

  /** Whether this one goes. The share is kept exactly, one by one, without chance. */
  sheds(urgency: Urgency): boolean {
    if (this.#level === 0) return false
    const share = Math.min(1, Math.max(0, this.#level - urgencies.indexOf(urgency)))
    const owed = this.#owed[urgency] + share
    this.#owed[urgency] = owed >= 1 ? owed - 1 : owed
    return owed >= 1
  }
}
