import { wipeableBytes } from '@ngome/kernel'
import type { Share } from './share-text.ts'

/** The shares that holders have entered, from the first of them until the quorum or the end of their time. */
export class CollectedShares {
  readonly #lifeMs: number
  readonly #onExpired: () => void
  readonly #shares = new Map<number, Uint8Array>()
  #timer: NodeJS.Timeout | undefined

  constructor(lifeMs: number, onExpired: () => void) {
    this.#lifeMs = lifeMs
    this.#onExpired = onExpired
  }

  get count(): number {
    return this.#shares.size
  }

  /** Takes a share, whose value is wiped here. @returns whether none of its index was there */
  add({ index, value }: Share): boolean {
    try {
      if (this.#shares.has(index)) return false
      // As the library has it: the value, then the index.
      const bytes = wipeableBytes(value.length + 1)
      bytes.set(value)
      bytes[value.length] = index
      this.#shares.set(index, bytes)
      this.#timer ??= setTimeout(() => {
        this.wipe()
        this.#onExpired()
      }, this.#lifeMs)
      return true
    } finally {
      value.fill(0)
    }
  }

  /** Hands all of them over, to be wiped by who takes them; none is left here. */
  take(): Uint8Array[] {
    const taken = [...this.#shares.values()]
    this.#forget()
    return taken
  }

  wipe(): void {
    for (const bytes of this.#shares.values()) bytes.fill(0)
    this.#forget()
  }

  #forget(): void {
    this.#shares.clear()
    clearTimeout(this.#timer)
    this.#timer = undefined
  }
}
