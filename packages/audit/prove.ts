import { assertSize, rootsOf, splitOf, type NodeSource, type Range } from './nodes.ts'
import { emptyRoot } from './hash.ts'

/** The head of the tree that the first `size` leaves made. */
export async function rootAt(source: NodeSource, size: number): Promise<Uint8Array> {
  assertSize(size)
  if (size === 0) return emptyRoot
  const [root = emptyRoot] = await rootsOf(source, [{ from: 0, to: size }])
  return root
}

/**
 * Proves that a leaf is the one at `index` of the tree of `size` leaves (RFC 9162 §2.1.3.1).
 * @returns at most 53 hashes, from the leaf up
 * @throws RangeError where there is no such leaf
 */
export async function proveInclusion(
  source: NodeSource, { index, size }: { readonly index: number; readonly size: number },
): Promise<readonly Uint8Array[]> {
  assertSize(size)
  assertSize(index)
  if (index >= size) throw new RangeError(`a tree of ${size} leaves has none at ${index}`)
  const path: Range[] = []
  let [from, to] = [0, size]
  while (to - from > 1) {
    const middle = from + splitOf(to - from)
    if (index < middle) {
      path.unshift({ from: middle, to })
      to = middle
    } else {
      path.unshift({ from, to: middle })
      from = middle
    }
  }
  return rootsOf(source, path)
}

/**
 * Proves that the tree of `to` leaves begins with the very leaves of the tree of `from` (RFC 9162 §2.1.4.1). Everything
 * begins with nothing, and a tree with itself: those proofs are empty.
 * @returns at most 54 hashes
 * @throws RangeError where `from` is the larger one
 */
export async function proveConsistency(
  source: NodeSource, { from: first, to: second }: { readonly from: number; readonly to: number },
): Promise<readonly Uint8Array[]> {
  assertSize(first)
  assertSize(second)
  if (first > second) throw new RangeError(`a tree of ${second} leaves does not follow from one of ${first}`)
  if (first === 0) return []
  const path: Range[] = []
  let [from, to] = [0, second]
  while (to !== first) {
    const middle = from + splitOf(to - from)
    if (first <= middle) {
      path.unshift({ from: middle, to })
      to = middle
    } else {
      path.unshift({ from, to: middle })
      from = middle
    }
  }
  // Where we never went right, what is left is the first tree itself, whose head the verifier has.
  if (from > 0) path.unshift({ from, to })
  return rootsOf(source, path)
}
