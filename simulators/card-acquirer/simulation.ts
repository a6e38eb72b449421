import type { RateCap } from '../common/rate-cap.ts'
import type { Books } from './books.ts'
import type { SendCallback } from './callbacks.ts'
import type { Manners } from './manners.ts'

export type Delays = {
  /** Until most orders are decided. */
  readonly soon: number
  /** Until those of cards that are slow. */
  readonly delayed: number
  /** How long a holder has to answer his bank. */
  readonly challenge: number
}

/** All that the routes need; made once, in `start-simulator.ts`. */
export type Simulation = {
  readonly books: Books
  readonly manners: Manners
  /** What shares of a script are drawn from, where it brings no seed of its own. */
  readonly seed: number
  readonly sendCallback: SendCallback
  readonly delays: Delays
  /** Where payers reach the bank's page; the simulator's own address. */
  readonly pageOrigin: () => string
  /** Of each account, over all calls. */
  readonly callCap: RateCap
  readonly nowMs: () => number
  readonly randomBytes: (length: number) => Buffer
  /** Aborted when the program stops, so that nothing scheduled holds it. */
  readonly stopping: AbortSignal
}
