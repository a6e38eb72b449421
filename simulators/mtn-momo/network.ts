import type { Books } from './books.ts'
import type { SendCallback } from './callbacks.ts'
import type { Callers } from './callers.ts'
import type { Manners } from './manners.ts'
import type { Delays } from './read-order.ts'

/** What the routes of MTN's products stand on. */
export type Network = {
  readonly books: Books
  readonly callers: Callers
  readonly manners: Manners
  readonly sendCallback: SendCallback
  readonly delays: Delays
  /** Status requests that one API user may make in a second. */
  readonly statusPerSecondMax: number
  readonly nowMs: () => number
  /** Aborted when the program stops, so that nothing scheduled holds it. */
  readonly stopping: AbortSignal
}
