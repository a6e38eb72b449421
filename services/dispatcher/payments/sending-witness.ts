import type { Attempt } from '@ngome/store'

/** Sendings that one process watches; past it the oldest are watched anew, which only takes longer. */
const watchedMax = 100_000

/**
 * How long this process itself has known of a sending, by a clock that nobody can set. That a network has had its time is never
 * concluded from the clock on the wall alone: one that jumps by an hour would have a payment failed that is on its way.
 */
export class SendingWitness {
  readonly #monotonicMs: () => number
  readonly #since = new Map<string, { readonly sendings: number; readonly sinceMs: number }>()

  constructor(monotonicMs: () => number) {
    this.#monotonicMs = monotonicMs
  }

  /** @returns milliseconds since this process first saw that the reference had been sent so often; 0 the first time */
  knownForMs({ reference, sendings }: Pick<Attempt, 'reference' | 'sendings'>): number {
    const nowMs = this.#monotonicMs()
    const seen = this.#since.get(reference)
    if (seen?.sendings === sendings) return nowMs - seen.sinceMs
    this.#since.delete(reference)
    this.#since.set(reference, { sendings, sinceMs: nowMs })
    if (this.#since.size > watchedMax) this.#forgetOldest()
    return 0
  }

  forget({ reference }: Pick<Attempt, 'reference'>): void {
    this.#since.delete(reference)
  }

  #forgetOldest(): void {
    for (const oldest of this.#since.keys()) {
      this.#since.delete(oldest)
      return
    }
  }
}
