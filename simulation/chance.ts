import type { Random } from '@ngome/kernel'
import { SeededRandom } from '@ngome/testkit'

/** All that happens by chance in a run, from its seed. */
export class Chance {
  readonly #seeded: SeededRandom

  constructor(seed: number) {
    this.#seeded = new SeededRandom(seed)
  }

  /** @param probability from 0 to 1 */
  happens(probability: number): boolean {
    return this.#seeded.next() < probability
  }

  between(from: number, to: number): number {
    return this.#seeded.between(from, to)
  }

  pick<T>(choices: readonly T[]): T {
    return this.#seeded.pick(choices)
  }

  /** For ids, salts and nonces, which need to differ and not to be unpredictable here. */
  readonly random: Random = {
    bytes: (length) => Uint8Array.from({ length }, () => this.#seeded.between(0, 255)),
  }
}
