import { createHmac } from 'node:crypto'
import { lengthPrefixed, type Secret, type Tenant } from '@ngome/kernel'
import type { ParsedApiKey } from './api-key.ts'

/** What is framed under the pepper; another use of the pepper must have another name. */
const label = 'ngome/api-key/v1'

/**
 * What the database keeps of a key: an HMAC under the pepper, which no database holds, bound to the key's id and
 * tenant, so that a row copied to another id, merchant or world verifies nothing.
 * @returns 32 bytes
 */
export function apiKeyVerifier(
  pepper: Secret<Uint8Array>,
  key: Pick<ParsedApiKey, 'id' | 'digest'> & { readonly tenant: Tenant },
): Uint8Array {
  const framed = lengthPrefixed(label, key.id, key.tenant.merchant, key.tenant.world, key.digest)
  return pepper.expose((bytes) => createHmac('sha256', bytes).update(framed).digest())
}
