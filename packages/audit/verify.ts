import { equalsInConstantTime } from '@ngome/kernel'
import { emptyRoot, hashBytes, hashNode } from './hash.ts'

/** A tree as a checkpoint names it. */
export type TreeHead = { readonly size: number; readonly root: Uint8Array }

/**
 * Says whether a leaf is the one at `index` of this tree, from the proof alone (RFC 9162 §2.1.3.2). Whatever is not
 * exactly the one proof is none: too long, too short, another index, another size.
 * @param leaf the hash of the entry, made by who checks and never taken from who proves
 */
export function verifyInclusion({ leaf, index, tree, proof }: {
  readonly leaf: Uint8Array
  readonly index: number
  readonly tree: TreeHead
  readonly proof: readonly Uint8Array[]
}): boolean {
  if (!isSize(index) || !isSize(tree.size) || index >= tree.size) return false
  if (!areHashes([leaf, tree.root, ...proof])) return false
  let [at, last, root] = [index, tree.size - 1, leaf]
  for (const node of proof) {
    if (last === 0) return false
    if (isOdd(at) || at === last) {
      root = hashNode(node, root)
      while (!isOdd(at) && at !== 0) [at, last] = [half(at), half(last)]
    } else {
      root = hashNode(root, node)
    }
    ;[at, last] = [half(at), half(last)]
  }
  return last === 0 && equalsInConstantTime(root, tree.root)
}

/**
 * Says whether the second tree begins with the leaves of the first, from the proof alone (RFC 9162 §2.1.4.2). A tree
 * without leaves is the beginning of every other; its only head is {@link emptyRoot}.
 */
export function verifyConsistency({ first, second, proof }: {
  readonly first: TreeHead
  readonly second: TreeHead
  readonly proof: readonly Uint8Array[]
}): boolean {
  if (!isSize(first.size) || !isSize(second.size) || first.size > second.size) return false
  if (!areHashes([first.root, second.root, ...proof])) return false
  if (first.size === second.size) return proof.length === 0 && equalsInConstantTime(first.root, second.root)
  if (first.size === 0) return proof.length === 0 && equalsInConstantTime(first.root, emptyRoot)
  let [at, last] = [first.size - 1, second.size - 1]
  while (isOdd(at)) [at, last] = [half(at), half(last)]
  // A first tree of a power of two leaves is a node of the second, and its head is left out of the proof.
  const [start, ...rest] = at === 0 ? [first.root, ...proof] : proof
  if (start === undefined) return false
  let [firstRoot, secondRoot] = [start, start]
  for (const node of rest) {
    if (last === 0) return false
    if (isOdd(at) || at === last) {
      firstRoot = hashNode(node, firstRoot)
      secondRoot = hashNode(node, secondRoot)
      while (!isOdd(at) && at !== 0) [at, last] = [half(at), half(last)]
    } else {
      secondRoot = hashNode(secondRoot, node)
    }
    ;[at, last] = [half(at), half(last)]
  }
  const isFirst = equalsInConstantTime(firstRoot, first.root)
  return last === 0 && isFirst && equalsInConstantTime(secondRoot, second.root)
}

function areHashes(all: readonly Uint8Array[]): boolean {
  return all.every(({ length }) => length === hashBytes)
}

function isSize(size: number): boolean {
  return Number.isSafeInteger(size) && size >= 0
}

function isOdd(number: number): boolean {
  return number % 2 === 1
}

function half(number: number): number {
  return Math.floor(number / 2)
}
