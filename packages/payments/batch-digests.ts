import { createHmac } from 'node:crypto'
import { lengthPrefixed, type PayoutBatchId, type Secret, type Tenant } from '@ngome/kernel'

/** Separate these MACs from each other use of the secret, and from one another. */
const keyLabel = 'ngome/payout-batch/v1'
const partLabel = 'ngome/payout-batch-part/v1'
const partsLabel = 'ngome/payout-batch-parts/v1'

/**
 * The key of the digests of one batch: of the secret that gateway and dispatcher share. A plain hash of a part of few rows would let whoever
 * reads the database try all phone numbers.
 * @returns 32 bytes
 */
export function batchDigestKey(secret: Secret<Uint8Array>, { merchant, world }: Tenant, batch: PayoutBatchId): Uint8Array {
  return secret.expose((key) => createHmac('sha256', key).update(lengthPrefixed(keyLabel, merchant, world, batch)).digest())
}

/** What names the body of a part, to the byte. @returns 32 bytes, HMAC-SHA-256 */
export function partDigest(batchKey: Uint8Array, number: number, body: Uint8Array): Uint8Array {
  return createHmac('sha256', batchKey).update(lengthPrefixed(partLabel, number, body)).digest()
}

/** A part by its number and {@link partDigest}. */
export type DigestedPart = { readonly number: number; readonly digest: Uint8Array }

/** What names all parts of a batch, each with its number and body: what a second person approves. @param parts in the order of their numbers @returns 32 bytes, HMAC-SHA-256 */
export function partsDigest(batchKey: Uint8Array, parts: readonly DigestedPart[]): Uint8Array {
  const mac = createHmac('sha256', batchKey).update(lengthPrefixed(partsLabel, parts.length))
  for (const { number, digest } of parts) mac.update(lengthPrefixed(number, digest))
  return mac.digest()
}
