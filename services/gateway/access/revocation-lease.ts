/** What was revoked since a number; the next number to ask from. */
export type Revocations<C> = { readonly counter: bigint; readonly changes: readonly C[] }

/** Where revocations are read: the writable primary, on a connection of its own. */
export type RevocationSource<C> = { since(counter: bigint | null): Promise<Revocations<C>> }

/**
 * How often the counter is read: how long a revoked key works at most while all is well, but for the read itself. At rest that is ten
 * statements a second of each gateway, some 0.1 ms of its processor each.
 */
const pollMs = 100
/** How long one read vouches for the keys in memory, counted from before the read. */
export const leaseMs = 2_000
/** A second read in a row that fails says that the database is away; the first may be of before our process stood still. */
const failuresMax = 2
/**
 * How long a request waits for a read, counted in turns of the event loop: while the process stands still no time passes
 * for the database's answer, so that each standstill counts as one of these.
 */
const waitTickMs = 50
const waitTicksMax = 10

/**
 * Reads the revocation counter and holds a lease for as long as the reading is fresh. A gateway that cannot read does
 * not know what was revoked, and serves nobody (fail closed). One that stood still, since its machine did or gave it no
 * time, could have read and has not: a request that finds the lease ended waits for the read that comes next.
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
  #isReading = false
  #failures = 0
  /** Those who waited got nothing: who comes now is refused at once, until a read says otherwise. */
  #isGivenUp = false
  #waiting: { readonly isHeld: Promise<boolean>; readonly settle: (isHeld: boolean) => void; timer?: NodeJS.Timeout } | undefined

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

  /**
   * Waits for the lease where it has ended and a read may renew it, at most for `waitTickMs` × `waitTicksMax`. All who wait
   * do so together, for the time that the first of them has left. What they learn is newer than what a lease vouches for,
   * so that a revocation is felt no later.
   */
  whenHeld(): Promise<boolean> {
    if (this.isHeld) return Promise.resolve(true)
    if (this.#isGivenUp || this.#isStopped) return Promise.resolve(false)
    if (this.#waiting === undefined) {
      const { promise: isHeld, resolve: settle } = Promise.withResolvers<boolean>()
      this.#waiting = { isHeld, settle }
      this.#tick(waitTicksMax)
      if (!this.#isReading && this.#timer !== undefined) {
        clearTimeout(this.#timer)
        void this.#poll()
      }
    }
    return this.#waiting.isHeld
  }

  /** Reads once and goes on reading; a failure of the first read is the first of many tries, not an error. */
  async start(): Promise<void> {
    await this.#poll()
  }

  stop(): void {
    this.#isStopped = true
    clearTimeout(this.#timer)
    this.#settle(false)
  }

  #tick(left: number): void {
    if (this.#waiting === undefined) return
    if (left > 0) this.#waiting.timer = setTimeout(() => this.#tick(left - 1), waitTickMs)
    else this.#giveUp()
  }

  #giveUp(): void {
    this.#isGivenUp = true
    this.#settle(false)
  }

  #settle(isHeld: boolean): void {
    clearTimeout(this.#waiting?.timer)
    this.#waiting?.settle(isHeld)
    this.#waiting = undefined
  }

  async #poll(): Promise<void> {
    const beforeMs = this.#monotonicMs()
    this.#isReading = true
    try {
      const { counter, changes } = await this.#source.since(this.#counter)
      if (changes.length > 0) this.#onChanges(changes)
      this.#counter = counter
      this.#readAtMs = beforeMs
      this.#failures = 0
      this.#onRead()
    } catch (error) {
      this.#failures++
      this.#onError(error)
    }
    this.#isReading = false
    this.#judge()
    if (this.#isStopped) return
    const restMs = this.#waiting === undefined ? Math.max(0, pollMs - (this.#monotonicMs() - beforeMs)) : 0
    this.#timer = setTimeout(() => void this.#poll(), restMs)
  }

  /** A read that began before a standstill may come too late to hold anything: then the next one decides. */
  #judge(): void {
    if (this.isHeld) {
      this.#isGivenUp = false
      this.#settle(true)
    } else if (this.#failures >= failuresMax) this.#giveUp()
  }
}
