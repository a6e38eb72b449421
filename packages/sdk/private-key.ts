import { parseBase64, type Bytes } from './bytes.ts'
import { misconfigured } from './errors.ts'

/** A private key as text (PKCS #8, PEM), or already imported. */
export type PrivateKey = string | CryptoKey

export type PrivateKeyUse = { readonly algorithm: { readonly name: string; readonly hash?: string }; readonly usage: 'sign' | 'decrypt' }

const pem = /^-----BEGIN PRIVATE KEY-----([\sA-Za-z0-9+/=]+)-----END PRIVATE KEY-----\s*$/
/** The object identifiers of the two kinds, as DER writes them: rsaEncryption (RFC 8017 §A.1) and Ed25519 (RFC 8410 §3). */
const identifiers = { rsa: '06092a864886f70d010101', ed25519: '06032b6570' } as const
/** They stand within the first bytes, behind a version and lengths. */
const headBytes = 32

export type PrivateKeyKind = keyof typeof identifiers

/** Which kind of key it is, by itself. @throws ConfigurationError where it is neither */
export function kindOf(key: PrivateKey): PrivateKeyKind {
  if (typeof key !== 'string') return key.algorithm.name === 'Ed25519' ? 'ed25519' : 'rsa'
  const head = [...derOf(key).subarray(0, headBytes)].map((byte) => byte.toString(16).padStart(2, '0')).join('')
  const kind = (Object.keys(identifiers) as PrivateKeyKind[]).find((one) => head.includes(identifiers[one]))
  if (kind === undefined) throw misconfigured('the private key is neither RSA nor Ed25519')
  return kind
}

/** The key for one use; a text is imported so that it cannot be exported again. @throws ConfigurationError */
export async function importPrivateKey(key: PrivateKey, { algorithm, usage }: PrivateKeyUse): Promise<CryptoKey> {
  if (typeof key !== 'string') {
    if (key.algorithm.name === algorithm.name && key.usages.includes(usage)) return key
    throw misconfigured(`this private key is not one to ${usage} with ${algorithm.name}`)
  }
  try {
    return await crypto.subtle.importKey('pkcs8', derOf(key), algorithm, false, [usage])
  } catch {
    // The cause may say what stands in the key.
    throw misconfigured(`the private key cannot be used with ${algorithm.name}: PKCS #8 in PEM, without a passphrase`)
  }
}

function derOf(text: string): Bytes {
  const body = pem.exec(text.trimStart())?.[1]?.replaceAll(/\s/g, '')
  const der = body === undefined ? undefined : parseBase64(body)
  if (der === undefined) throw misconfigured('the private key is not PKCS #8 in PEM: it begins with -----BEGIN PRIVATE KEY-----')
  return der
}
