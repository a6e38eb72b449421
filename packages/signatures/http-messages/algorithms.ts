import { constants, createPublicKey, sign, verify, type KeyObject } from 'node:crypto'

/** RFC 9421 §3.3.1 and §3.3.6. A key has exactly one: a message never chooses. */
export const messageAlgorithms = ['rsa-pss-sha512', 'ed25519'] as const
export type MessageAlgorithm = (typeof messageAlgorithms)[number]

/** Bits of a modulus: below is short of 128 bits of strength (NIST SP 800-57, part 1, table 2); above a check gets dear. */
const rsaBitsMin = 3_072
const rsaBitsMax = 8_192
const rsaExponent = 65_537n
/** RFC 9421 §3.3.1: as long as the hash. */
const saltLength = 64

/**
 * The algorithm of a public key that is strong enough.
 * @param use RSA decrypts as well; Ed25519 only signs
 * @returns `undefined` for every other key: RSA outside 3072 to 8192 bits or with another exponent than 65537, other curves
 */
export function messageAlgorithmOf(key: KeyObject, use: 'sign' | 'encrypt' = 'sign'): MessageAlgorithm | undefined {
  if (key.asymmetricKeyType === 'ed25519') return use === 'sign' ? 'ed25519' : undefined
  const { modulusLength = 0, publicExponent } = key.asymmetricKeyDetails ?? {}
  const isStrong = modulusLength >= rsaBitsMin && modulusLength <= rsaBitsMax && publicExponent === rsaExponent
  return key.asymmetricKeyType === 'rsa' && isStrong ? 'rsa-pss-sha512' : undefined
}

/** Reads a public key. @param spki DER, SubjectPublicKeyInfo @returns `undefined` where these bytes are not exactly one */
export function parsePublicKey(spki: Uint8Array): KeyObject | undefined {
  try {
    const key = createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' })
    return key.export({ format: 'der', type: 'spki' }).equals(spki) ? key : undefined
  } catch {
    return undefined
  }
}

/** @returns the signature; of Ed25519 64 bytes, of RSA as long as the modulus */
export function signBytes(algorithm: MessageAlgorithm, key: KeyObject, bytes: Uint8Array): Uint8Array {
  return sign(hashOf(algorithm), bytes, keyInput(algorithm, key))
}

/** Whether a signature is this key's. On a thread of libuv's: a check takes none of the event loop's time. */
export function verifyBytes(
  algorithm: MessageAlgorithm, key: KeyObject, bytes: Uint8Array, signature: Uint8Array,
): Promise<boolean> {
  return new Promise((resolve, reject) => {
    verify(hashOf(algorithm), bytes, keyInput(algorithm, key), signature, (error, isRight) => {
      if (error === null) resolve(isRight)
      else reject(error)
    })
  })
}

function hashOf(algorithm: MessageAlgorithm): string | null {
  return algorithm === 'ed25519' ? null : 'sha512'
}

function keyInput(algorithm: MessageAlgorithm, key: KeyObject) {
  return algorithm === 'ed25519' ? { key } : { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength }
}
