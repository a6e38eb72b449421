/** Entries looked at for each one that is added: enough that those that are idle leave faster than others come. */
const looksEach = 2
/** Below this part of its bound nothing leaves: who calls now and then would be forgotten and made anew with each call. */
const roomyPart = 0.5
/** Entries looked at where there is no room. */
const looksAtBound = 32

/**
 * A map of bounded size. Only what is idle ever leaves it: a bucket that is full is the same as none, one that was spent
 * is not. So whoever makes up names gets no room, instead of getting rid of what others, or he himself, have spent.
 */
export class IdleTable<K, V> {
  readonly #max: number
  readonly #isIdle: (value: V, nowUs: number) => boolean
  readonly #onGone: (value: V) => void
  readonly #entries = new Map<K, V>()
  #hand: MapIterator<[K, V]> = this.#entries.entries()

  /** @param from `onGone`: told of what left, for those who still hold it */
  constructor(from: { readonly max: number; readonly isIdle: (value: V, nowUs: number) => boolean; readonly onGone?: (value: V) => void }) {
    this.#max = from.max
    this.#isIdle = from.isIdle
    this.#onGone = from.onGone ?? (() => undefined)
  }

  get size(): number {
    return this.#entries.size
  }

  get(key: K): V | undefined {
    return this.#entries.get(key)
  }

  values(): MapIterator<V> {
    return this.#entries.values()
  }

  /** Puts another value in the place of one that is there. */
  replace(key: K, value: V): void {
    if (this.#entries.has(key)) this.#entries.set(key, value)
  }

  /** @returns whether there was room; if not, nothing was added */
  add(key: K, value: V, nowUs: number): boolean {
    const { size } = this.#entries
    if (size >= this.#max * roomyPart) this.#sweep(size < this.#max ? looksEach : looksAtBound, nowUs)
    if (this.#entries.size >= this.#max) return false
    this.#entries.set(key, value)
    return true
  }

  #sweep(looks: number, nowUs: number): void {
    for (let look = 0; look < looks; look++) {
      const { done, value: entry } = this.#hand.next()
      if (done === true) {
        this.#hand = this.#entries.entries()
        continue
      }
      const [key, value] = entry
      if (!this.#isIdle(value, nowUs)) continue
      this.#entries.delete(key)
      this.#onGone(value)
    }
  }
}
