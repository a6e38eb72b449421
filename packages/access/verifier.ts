import { createHmac, type Hmac } from 'node:crypto'
import { lengthPrefixed, type Secret, type Tenant } from '@ngome/kernel'
import type { ParsedApiKey } from './api-key.ts'

/** What is framed under the pepper; another use of the pepper must have another name. */
const label = 'ngome/api-key/v1'

type VerifiedKey = Pick<ParsedApiKey, 'id' | 'digest'> & { readonly tenant: Tenant }

/**
 * What the database keeps of a key: an HMAC under the pepper, which no database holds, bound to the key's id and
 * tenant, so that a row copied to another id, merchant or world verifies nothing.
 * @returns 32 bytes
 */
export function apiKeyVerifier(pepper: Secret<Uint8Array>, key: VerifiedKey): Uint8Array {
  return hmacOf(pepper, key).digest()
}

/** The same as text, base64url: sooner made, and sooner found in memory, than an array of bytes. */
export function apiKeyVerifierText(pepper: Secret<Uint8Array>, key: VerifiedKey): string {
  return hmacOf(pepper, key).digest('base64url')
}

function hmacOf(pepper: Secret<Uint8Array>, key: VerifiedKey): Hmac {
  const framed = lengthPrefixed(label, key.id, key.tenant.merchant, key.tenant.world, key.digest)
  return pepper.expose((bytes) => createHmac('sha256', bytes).update(framed))
}
