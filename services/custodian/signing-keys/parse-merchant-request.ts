import type { KeyObject } from 'node:crypto'
import { x509 } from '@ngome/runtime'
import { parsePublicKey } from '@ngome/signatures'

const pemPattern = /^-----BEGIN CERTIFICATE REQUEST-----\n[A-Za-z0-9+/=\n]+\n-----END CERTIFICATE REQUEST-----\n?$/
/** Of the request's own signature, by which its sender proves that he has the private half. */
const hashes: ReadonlySet<string | undefined> = new Set(['SHA-256', 'SHA-384', 'SHA-512'])
const names: ReadonlySet<string | undefined> = new Set(['RSASSA-PKCS1-v1_5', 'RSA-PSS'])

/**
 * Reads a merchant's certificate request (PKCS #10, RFC 2986) for its public key alone: subject and names are whatever the
 * sender likes to be called.
 * @returns the key, or `undefined` where the request or its signature is not right; how strong it is, is another's to say
 */
export async function parseMerchantRequest(pem: string): Promise<KeyObject | undefined> {
  if (!pemPattern.test(pem)) return undefined
  try {
    const request = new x509.Pkcs10CertificateRequest(pem)
    // The library's type extends the browser's, which is not among our types.
    const { name, hash } = request.signatureAlgorithm as { readonly name?: string; readonly hash?: { name?: string } }
    const isStrong = name === 'Ed25519' || (names.has(name) && hashes.has(hash?.name))
    return isStrong && await request.verify() ? parsePublicKey(Buffer.from(request.publicKey.rawData)) : undefined
  } catch {
    // The library throws whatever its parts throw; from here they all mean the same.
    return undefined
  }
}
