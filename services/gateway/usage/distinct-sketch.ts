/** 1,024 bits count to some thousands well enough: a third too few at two thousand. */
const bits = 1_024
const bitsPerWord = 32

/**
 * Counts different values in 128 bytes, of which none can be read back: a value sets one bit, and two that share one count
 * once.
 */
export class DistinctSketch {
  #words: Uint32Array | undefined

  /** @returns whether this value was not seen, as far as can be told */
  add(digest: number): boolean {
    const words = this.#words ??= new Uint32Array(bits / bitsPerWord)
    const at = digest % bits
    const [word, mask] = [Math.floor(at / bitsPerWord), 1 << at % bitsPerWord]
    const before = words[word] ?? 0
    if ((before & mask) !== 0) return false
    words[word] = before | mask
    return true
  }

  clear(): void {
    this.#words?.fill(0)
  }
}
