import { misconfigured } from './errors.ts'
import { importPrivateKey, kindOf, type PrivateKey } from './private-key.ts'

export type SigningKeyParts = {
  /** What the platform calls the public key. */
  readonly keyId: string
  /** RSA of 3072 bits or more, or Ed25519: PKCS #8 in PEM, or a `CryptoKey` that may sign. */
  readonly privateKey: PrivateKey
}

const keyIdPattern = /^[A-Za-z0-9_-]{1,128}$/
/** RFC 9421 §3.3.1: the salt is as long as the hash. */
const saltBytes = 64

const algorithms = {
  rsa: { import: { name: 'RSA-PSS', hash: 'SHA-512' }, sign: { name: 'RSA-PSS', saltLength: saltBytes } },
  ed25519: { import: { name: 'Ed25519' }, sign: { name: 'Ed25519' } },
} as const

/** A merchant's key to sign requests with; it cannot be printed. */
export class SigningKey {
  readonly keyId: string
  readonly #privateKey: PrivateKey
  readonly #kind: keyof typeof algorithms
  #imported: Promise<CryptoKey> | undefined

  /** @throws ConfigurationError where the key is neither RSA nor Ed25519 */
  constructor({ keyId, privateKey }: SigningKeyParts) {
    if (!keyIdPattern.test(keyId)) throw misconfigured('signingKey.keyId is not an id as the platform gives it')
    this.keyId = keyId
    this.#privateKey = privateKey
    this.#kind = kindOf(privateKey)
  }

  /** RSASSA-PSS with SHA-512 (RFC 9421 §3.3.1) or Ed25519 (§3.3.6). @throws ConfigurationError where the key cannot sign */
  async sign(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
    const { import: algorithm, sign } = algorithms[this.#kind]
    this.#imported ??= importPrivateKey(this.#privateKey, { algorithm, usage: 'sign' })
    return new Uint8Array(await crypto.subtle.sign(sign, await this.#imported, bytes))
  }
}
