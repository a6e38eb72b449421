import { createHash, type X509Certificate } from 'node:crypto'

/** Where the authority says nothing: with a third of the life left, and up to a thirtieth before that. */
const renewAfterPart = 2 / 3
const spreadPart = 1 / 30
/** Whatever the authority, or who writes the table, says: below this part it is renewed. */
const lastPart = 1 / 6

/**
 * When a certificate is to be renewed. The spread comes from the certificate, so that each process that looks finds the
 * same time, and the gateways of a platform different ones.
 * @param asked when the authority would have it (RFC 9773), which may be at once
 */
export function renewalTimeMs(leaf: X509Certificate, asked: number | null): number {
  const [fromMs, toMs] = [leaf.validFromDate.getTime(), leaf.validToDate.getTime()]
  const lifeMs = toMs - fromMs
  if (asked !== null) return Math.min(asked, toMs - lifeMs * lastPart)
  const spread = createHash('sha256').update(leaf.raw).digest().readUInt32BE() / 0x1_0000_0000
  return fromMs + lifeMs * (renewAfterPart - spreadPart * spread)
}
