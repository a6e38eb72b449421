import { sign, verify, X509Certificate } from 'node:crypto'
import type { ProcessRole } from '@ngome/kernel'
import { parseAuthorities } from './authority-bundle.ts'
import type { Identity } from './identity.ts'
import { parseCertificateRole } from './spiffe.ts'

/** What a process says, by the key of its certificate; it stays after the process has ended. */
export type ProcessWord = {
  /** PEM. */
  readonly certificate: string
  /** ECDSA over SHA-256, 64 bytes. */
  readonly signature: Uint8Array
}

/** Separates these signatures from TLS's, whose subject begins with 64 spaces (RFC 8446 §4.4.3). */
const label = Buffer.from('ngome/process-word/v1\0', 'utf8')
const dsaEncoding = 'ieee-p1363'

/** @throws Fault `identity/expired` */
export function giveWord(identity: Pick<Identity, 'secureContext'>, subject: Uint8Array): ProcessWord {
  const { key, cert } = identity.secureContext()
  return { certificate: cert, signature: sign('sha256', Buffer.concat([label, subject]), { key, dsaEncoding }) }
}

/**
 * Whether a process of this role said so: its certificate is one that an authority issued which is trusted now, was valid then, and is
 * of that role.
 * @param by `authority`: PEM, as `parseAuthorities` reads it; `atMs`: when it is said to have been said
 */
export function isWordOf(
  role: ProcessRole, word: ProcessWord, subject: Uint8Array, by: { readonly authority: string; readonly atMs: number },
): boolean {
  const leaf = readCertificate(word.certificate)
  if (leaf === undefined || parseCertificateRole(leaf) !== role) return false
  if (by.atMs < leaf.validFromDate.getTime() || by.atMs > leaf.validToDate.getTime()) return false
  const authorities = parseAuthorities(by.authority) ?? []
  if (!authorities.some((one) => leaf.checkIssued(one) && leaf.verify(one.publicKey))) return false
  if (leaf.publicKey.asymmetricKeyDetails?.namedCurve !== 'prime256v1') return false
  return verify('sha256', Buffer.concat([label, subject]), { key: leaf.publicKey, dsaEncoding }, word.signature)
}

function readCertificate(pem: string): X509Certificate | undefined {
  try {
    return new X509Certificate(pem)
  } catch {
    return undefined
  }
}
