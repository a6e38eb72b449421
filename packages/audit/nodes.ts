import { hashNode } from './hash.ts'

/**
 * A complete node: the root over the leaves `index · 2^level` up to the next such bound. It is known once its last leaf
 * is appended and never changes. Level 0 is the leaves.
 */
export type NodeId = { readonly level: number; readonly index: number }

/** Where complete nodes are kept. Answers in the order of the question. */
export type NodeSource = { nodes(ids: readonly NodeId[]): Promise<readonly Uint8Array[]> }

/** Leaves from `from` up to but not including `to`. */
export type Range = { readonly from: number; readonly to: number }

/** Sizes are counted, not masked: JavaScript's bit operators would cut them at 2^31. */
export function assertSize(size: number): void {
  if (!Number.isSafeInteger(size) || size < 0) throw new RangeError(`${size} is no size of a tree`)
}

/** The largest power of two below `size`: where RFC 9162 §2.1.1 parts a tree of two leaves or more. */
export function splitOf(size: number): number {
  let split = 1
  while (split * 2 < size) split *= 2
  return split
}

/** The complete nodes that make up a range, left to right. `from` must be a bound at which a tree was parted. */
export function nodesOf({ from, to }: Range): readonly NodeId[] {
  const ids: NodeId[] = []
  for (let at = from; at < to;) {
    let [level, width] = [0, 1]
    while (at % (width * 2) === 0 && at + width * 2 <= to) [level, width] = [level + 1, width * 2]
    ids.push({ level, index: at / width })
    at += width
  }
  return ids
}

/** The root over complete nodes that lie side by side, largest first. */
export function foldNodes(nodes: readonly Uint8Array[]): Uint8Array {
  return nodes.reduceRight((right, left) => hashNode(left, right))
}

/** The roots of ranges, with one question to the source. */
export async function rootsOf(source: NodeSource, ranges: readonly Range[]): Promise<readonly Uint8Array[]> {
  const parts = ranges.map(nodesOf)
  const nodes = await source.nodes(parts.flat())
  let at = 0
  return parts.map(({ length }) => foldNodes(nodes.slice(at, at += length)))
}
