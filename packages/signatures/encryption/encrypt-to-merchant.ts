import { CompactEncrypt } from 'jose'
import type { ProvenMerchantKey } from '../signed-requests/merchant-key.ts'

/** What an encrypted body is announced as (RFC 7515 §9.2.1). */
export const joseType = 'application/jose'

/**
 * Encrypts to a merchant's own key: JWE in its compact form (RFC 7516 §7.1), RSA-OAEP-256 with A256GCM, `kid` its id and `cty` what is
 * inside. Whoever has the private half opens it, and nobody else.
 * @throws TypeError where the key is not for this
 */
export async function encryptToMerchant({ id, uses, publicKey }: ProvenMerchantKey, content: Uint8Array): Promise<string> {
  if (!uses.includes('encrypt')) throw new TypeError('a key that is not to be encrypted to')
  return new CompactEncrypt(content)
    .setProtectedHeader({ alg: 'RSA-OAEP-256', enc: 'A256GCM', kid: id, cty: 'application/json' })
    .encrypt(publicKey)
}
