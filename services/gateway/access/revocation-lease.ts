/** What was revoked since a number; the next number to ask from. */
export type Revocations<C> = { readonly counter: bigint; readonly changes: readonly C[] }

/** Where revocations are read: the writable primary, on a connection of its own. */
export type RevocationSource<C> = { since(counter: bigint | null): Promise<Revocations<C>> }

/** How often the counter is read: how long a revoked key works at most while all is well. */
const pollMs = 100
/** How long one read vouches for the keys in memory, counted from before the read. */
export const leaseMs = 2_000

/**
 * Reads the revocation counter and holds a lease for as long as the reading is fresh. A gateway that cannot read does
 * not know what was revoked, and serves nobody (fail closed).
 */
export class RevocationLease<C> {
  readonly #source: RevocationSource<C>
  readonly #monotonicMs: () => number
  readonly #onChanges: (changes: readonly C[]) => void
  readonly #onRead: () => void
  readonly #onError: (error: unknown) => void
  #counter: bigint | null = null
  #readAtMs = Number.NEGATIVE_INFINITY
  #timer: NodeJS.Timeout | undefined
  #isStopped = false

  constructor(from: {
    readonly source: RevocationSource<C>
    /** Not the wall clock: setting that back would stretch the lease. */
    readonly monotonicMs: () => number
    /** Called before the lease is renewed. */
    readonly onChanges: (changes: readonly C[]) => void
    readonly onRead?: () => void
    readonly onError: (error: unknown) => void
  }) {
    this.#source = from.source
    this.#monotonicMs = from.monotonicMs
    this.#onChanges = from.onChanges
    this.#onRead = from.onRead ?? (() => undefined)
    this.#onError = from.onError
  }

  get ageMs(): number {
    return this.#monotonicMs() - this.#readAtMs
  }

  get isHeld(): boolean {
    return this.ageMs < leaseMs
  }

  /** Reads once and goes on reading; a failure of the first read is the first of many tries, not an error. */
  async start(): Promise<void> {
    await this.#poll()
  }

  stop(): void {
    this.#isStopped = true
    clearTimeout(this.#timer)
  }

  async #poll(): Promise<void> {
    const beforeMs = this.#monotonicMs()
    try {
      const { counter, changes } = await this.#source.since(this.#counter)
      if (changes.length > 0) this.#onChanges(changes)
      this.#counter = counter
      this.#readAtMs = beforeMs
      this.#onRead()
    } catch (error) {
      this.#onError(error)
    }
    if (this.#isStopped) return
    const restMs = Math.max(0, pollMs - (this.#monotonicMs() - beforeMs))
    this.#timer = setTimeout(() => void this.#poll(), restMs)
  }
}
