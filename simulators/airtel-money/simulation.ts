import type { RateCap } from '../common/rate-cap.ts'
import type { Books } from './books.ts'
import type { SendCallback } from './callbacks.ts'
import type { Callers, RandomBytes } from './callers.ts'
import type { Keys } from './keys.ts'
import type { Manners } from './manners.ts'
import type { Delays } from './money-request.ts'

/** All that the routes need; made once, in `start-simulator.ts`. */
export type Simulation = {
  readonly books: Books
  readonly callers: Callers
  readonly keys: Keys
  readonly manners: Manners
  /** What shares of a script are drawn from, where it brings no seed of its own. */
  readonly seed: number
  readonly sendCallback: SendCallback
  readonly delays: Delays
  /** Of each application, over all calls but the token's. */
  readonly callCap: RateCap
  readonly nowMs: () => number
  readonly randomBytes: RandomBytes
  /** Aborted when the program stops, so that nothing scheduled holds it. */
  readonly stopping: AbortSignal
}
