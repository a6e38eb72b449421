import { createHash } from 'node:crypto'

export const hashBytes = 32

const leafPrefix = Uint8Array.of(0)
const nodePrefix = Uint8Array.of(1)

/** The head of a tree without leaves: SHA-256 of nothing (RFC 9162 §2.1.1). */
export const emptyRoot: Uint8Array = createHash('sha256').digest()

/** The hash of a leaf, 32 bytes. Its prefix is why no inner node passes for a leaf (RFC 9162 §2.1.1). */
export function hashLeaf(entry: Uint8Array): Uint8Array {
  return createHash('sha256').update(leafPrefix).update(entry).digest()
}

/** The hash of an inner node over its two children, 32 bytes (RFC 9162 §2.1.1). */
export function hashNode(left: Uint8Array, right: Uint8Array): Uint8Array {
  return createHash('sha256').update(nodePrefix).update(left).update(right).digest()
}
