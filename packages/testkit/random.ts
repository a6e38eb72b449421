/** A small seeded generator (mulberry32), for tests only: the same seed gives the same run. */
export class SeededRandom {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  /** A number from 0 up to, not including, 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let mixed = this.#state
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }

  /** A whole number from `from` to `to`, both possible. */
  between(from: number, to: number): number {
    return from + Math.floor(this.next() * (to - from + 1))
  }

  pick<T>(choices: readonly T[]): T {
    const choice = choices[this.between(0, choices.length - 1)]
    if (choice === undefined) throw new RangeError('nothing to pick from')
    return choice
  }
}

/** The seed of this run: `NGOME_TEST_SEED`, or a fresh one. Print it, so that a failure can be run again. */
export function seedFrom(given: string | undefined, fallback: number): number {
  const seed = given === undefined ? fallback : Number(given)
  if (!Number.isSafeInteger(seed) || seed < 0) throw new RangeError('a seed is a whole number, 0 or more')
  return seed
}
