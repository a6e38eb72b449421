import { createHash, X509Certificate } from 'node:crypto'

/** One that issues, and while it is replaced the next or the one before. */
export const authoritiesMax = 2
const certificatePattern = /-----BEGIN CERTIFICATE-----\n[A-Za-z0-9+/=\n]+-----END CERTIFICATE-----\n?/g

/**
 * Reads the authorities that are trusted together: PEM certificates behind each other, the one that issues first.
 * @returns `undefined` where the text is not just that: nothing else, none, too many, one twice, or one that may not issue
 */
export function parseAuthorities(pem: string): readonly X509Certificate[] | undefined {
  const parts = pem.match(certificatePattern) ?? []
  if (parts.length === 0 || parts.length > authoritiesMax || parts.join('').trim() !== pem.trim()) return undefined
  try {
    const authorities = parts.map((part) => new X509Certificate(part))
    const isDistinct = new Set(authorities.map((one) => one.fingerprint256)).size === authorities.length
    return isDistinct && authorities.every((one) => one.ca) ? authorities : undefined
  } catch {
    return undefined
  }
}

/** Names a bundle, so that whoever has another one is told: a digest of its certificates in their order, base64url. */
export function authorityMark(pem: string): string {
  const hash = createHash('sha256')
  for (const part of pem.match(certificatePattern) ?? []) hash.update(part.replaceAll('\n', ''))
  return hash.digest('base64url')
}

/** The header of the custodian's answers that names the bundle which it gives out now. */
export const authoritiesHeader = 'ngome-authorities'
