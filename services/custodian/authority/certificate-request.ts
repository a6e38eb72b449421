import { createPublicKey, type KeyObject } from 'node:crypto'
import { x509 } from '@ngome/runtime'
import { signatureAlgorithm } from './authority.ts'

const pemPattern = /^-----BEGIN CERTIFICATE REQUEST-----\n[A-Za-z0-9+/=\n]+\n-----END CERTIFICATE REQUEST-----\n?$/

/**
 * Reads a certificate signing request (PKCS #10, RFC 2986) for the one thing that we take from it: a public key whose
 * private half the sender holds. Subject, names and extensions are the custodian's to say, never the request's.
 * @returns the P-256 key, or `undefined` where the request, its key or its signature is anything else
 */
export async function parseCertificateRequest(pem: string): Promise<KeyObject | undefined> {
  if (!pemPattern.test(pem)) return undefined
  try {
    const request = new x509.Pkcs10CertificateRequest(pem)
    // The library's type extends the browser's, which is not among our types.
    const { name, hash } = request.signatureAlgorithm as { readonly name?: string; readonly hash?: { name?: string } }
    if (name !== signatureAlgorithm.name || hash?.name !== signatureAlgorithm.hash) return undefined
    const key = createPublicKey({ key: Buffer.from(request.publicKey.rawData), format: 'der', type: 'spki' })
    const isP256 = key.asymmetricKeyType === 'ec' && key.asymmetricKeyDetails?.namedCurve === 'prime256v1'
    return isP256 && await request.verify() ? key : undefined
  } catch {
    // The library throws whatever its parts throw; from here they all mean the same.
    return undefined
  }
}
