import { emptyRoot, hashLeaf, hashNode } from '../hash.ts'
import type { NodeSource } from '../nodes.ts'

/** RFC 9162 §2.1 word for word, over all leaves each time: what the code that remembers little is compared with. */
export function naiveRoot(leaves: readonly Uint8Array[]): Uint8Array {
  const [first] = leaves
  if (first === undefined) return emptyRoot
  if (leaves.length === 1) return first
  const k = naiveSplit(leaves.length)
  return hashNode(naiveRoot(leaves.slice(0, k)), naiveRoot(leaves.slice(k)))
}

/** PATH(m, D_n), §2.1.3.1. */
export function naivePath(m: number, leaves: readonly Uint8Array[]): readonly Uint8Array[] {
  if (leaves.length === 1) return []
  const k = naiveSplit(leaves.length)
  return m < k
    ? [...naivePath(m, leaves.slice(0, k)), naiveRoot(leaves.slice(k))]
    : [...naivePath(m - k, leaves.slice(k)), naiveRoot(leaves.slice(0, k))]
}

/** SUBPROOF(m, D_n, b), §2.1.4.1. */
export function naiveSubproof(m: number, leaves: readonly Uint8Array[], isWhole: boolean): readonly Uint8Array[] {
  if (m === leaves.length) return isWhole ? [] : [naiveRoot(leaves)]
  const k = naiveSplit(leaves.length)
  return m <= k
    ? [...naiveSubproof(m, leaves.slice(0, k), isWhole), naiveRoot(leaves.slice(k))]
    : [...naiveSubproof(m - k, leaves.slice(k), false), naiveRoot(leaves.slice(0, k))]
}

function naiveSplit(n: number): number {
  return 2 ** (Math.ceil(Math.log2(n)) - 1)
}

export function leavesOf(count: number): readonly Uint8Array[] {
  return Array.from({ length: count }, (_, at) => hashLeaf(Buffer.from(`entry ${at}`)))
}

/** Answers from the leaves, and only for nodes that are complete. */
export function naiveSource(leaves: readonly Uint8Array[]): NodeSource {
  return {
    nodes: async (ids) => ids.map(({ level, index }) => {
      const [from, to] = [index * 2 ** level, (index + 1) * 2 ** level]
      if (to > leaves.length) throw new RangeError('a node that is not complete')
      return naiveRoot(leaves.slice(from, to))
    }),
  }
}
