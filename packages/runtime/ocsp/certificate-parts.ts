import type { X509Certificate } from 'node:crypto'
import { contextTag, derTag, NotDer, readDer } from './der.ts'

/** What OCSP identifies a certificate by, byte for byte as it stands in it (RFC 5280 §4.1). */
export type CertificateParts = {
  /** The content of its INTEGER. */
  readonly serial: Uint8Array
  /** DER. */
  readonly issuer: Uint8Array
  /** DER. */
  readonly subject: Uint8Array
  /** The value of the BIT STRING, without the number of unused bits: what key hashes are of (RFC 6960 §4.1.1). */
  readonly publicKey: Uint8Array
}

/** @throws NotDer */
export function certificateParts({ raw }: Pick<X509Certificate, 'raw'>): CertificateParts {
  const fields = readDer(raw, derTag.sequence).within(derTag.sequence)
  fields.optional(contextTag(0))
  const serial = fields.next(derTag.integer).content
  fields.next(derTag.sequence)
  const issuer = fields.next(derTag.sequence).raw
  fields.next(derTag.sequence)
  const subject = fields.next(derTag.sequence).raw
  const key = fields.within(derTag.sequence)
  key.next(derTag.sequence)
  return { serial, issuer, subject, publicKey: wholeBits(key.next(derTag.bitString).content) }
}

/** The bytes of a BIT STRING that is made of whole ones. @throws NotDer */
export function wholeBits(content: Uint8Array): Uint8Array {
  if (content[0] !== 0) throw new NotDer('bits that are no bytes')
  return content.subarray(1)
}
