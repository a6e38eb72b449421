import type { X509Certificate } from 'node:crypto'
import { processRoles, type ProcessRole } from '@ngome/kernel'

/** The trust domain of the platform's own certificates (SPIFFE-ID §2.1). */
const trustDomain = 'ngome.internal'

/** The name that a process's certificate carries, as its only URI. */
export function spiffeId(role: ProcessRole): string {
  return `spiffe://${trustDomain}/${role}`
}

/**
 * Whose certificate this is. It reads the name only: that the chain is ours and still valid is what TLS has verified.
 * @returns the role, or `undefined` where the certificate has not exactly one URI, or that URI is not a role's name.
 */
export function parseCertificateRole(certificate: X509Certificate): ProcessRole | undefined {
  const names = certificate.subjectAltName ?? ''
  // Node quotes a name that could be mistaken for a separator; our authority never issues one.
  if (names.includes('"')) return undefined
  const uris = names.split(', ').filter((name) => name.startsWith('URI:')).map((name) => name.slice('URI:'.length))
  // X.509-SVID §2: an SVID has exactly one URI, and two would let two readers disagree about who it is.
  if (uris.length !== 1) return undefined
  return processRoles.find((role) => spiffeId(role) === uris[0])
}
