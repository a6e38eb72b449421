import { emptyRoot, hashBytes, hashNode } from './hash.ts'
import { assertSize, foldNodes, nodesOf } from './nodes.ts'

/**
 * All that a log must remember to go on: its size and the complete nodes that it consists of, largest first, one for
 * each bit of the size. Appending costs one hash on average, and as many as the size has bits at most.
 */
export class Frontier {
  #size: number
  readonly #peaks: Uint8Array[]

  /** @param peaks the hashes of `nodesOf({ from: 0, to: size })` */
  constructor(size = 0, peaks: readonly Uint8Array[] = []) {
    assertSize(size)
    const count = nodesOf({ from: 0, to: size }).length
    if (peaks.length !== count || !peaks.every(({ length }) => length === hashBytes)) {
      throw new RangeError(`a log of ${size} leaves has ${count} peaks of ${hashBytes} bytes`)
    }
    this.#size = size
    this.#peaks = [...peaks]
  }

  get size(): number {
    return this.#size
  }

  /** @returns the nodes that this leaf completes, from level 0, the leaf itself, upwards: what a store keeps with it */
  append(leaf: Uint8Array): readonly Uint8Array[] {
    if (leaf.length !== hashBytes) throw new RangeError(`a leaf's hash has ${hashBytes} bytes`)
    assertSize(this.#size + 1)
    const completed = [leaf]
    let node = leaf
    for (let size = this.#size; size % 2 === 1; size = (size - 1) / 2) {
      // As many peaks as the size has trailing ones: the constructor has counted them.
      node = hashNode(this.#peaks.pop() ?? emptyRoot, node)
      completed.push(node)
    }
    this.#peaks.push(node)
    this.#size++
    return completed
  }

  /** The head of the tree (RFC 9162 §2.1.1). */
  root(): Uint8Array {
    return this.#size === 0 ? emptyRoot : foldNodes(this.#peaks)
  }
}
