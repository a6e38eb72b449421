import { createHash } from 'node:crypto'
import { oidHex } from './der.ts'

export const sha1Oid = '1.3.14.3.2.26'
const sha256Oid = '2.16.840.1.101.3.4.2.1'

/**
 * What responders of the lightweight profile know certificates and keys by (RFC 5019 §2.1.1). It names and proves nothing:
 * who finds two issuers of one digest still needs the signature of ours.
 */
export function sha1(bytes: Uint8Array): Buffer {
  return createHash('sha1').update(bytes).digest()
}

/** By object identifier, in hexadecimal: what an answer may know a certificate by. */
export const certIdDigests: Readonly<Record<string, (bytes: Uint8Array) => Buffer>> = {
  [oidHex(sha1Oid)]: sha1,
  [oidHex(sha256Oid)]: (bytes) => createHash('sha256').update(bytes).digest(),
}
