import { createPublicKey, type KeyObject } from 'node:crypto'

/** Past this nobody has keys, and computing with one takes time from everybody. */
const bitsMax = 8192

/**
 * Reads a public key as Airtel shows them: base64 of DER, SubjectPublicKeyInfo.
 * @returns `undefined` for anything that is no RSA key of at least so many bits with an exponent that hides something
 */
export function parseRsaKey(text: string, bitsMin: number): KeyObject | undefined {
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(text)) return undefined
  let key: KeyObject
  try {
    key = createPublicKey({ key: Buffer.from(text, 'base64'), format: 'der', type: 'spki' })
  } catch {
    return undefined
  }
  const { modulusLength = 0, publicExponent = 0n } = key.asymmetricKeyDetails ?? {}
  // With an exponent of 1 the sealed text is the text; FIPS 186-5 §A.1.1 asks for more than 2^16.
  const isSound = key.asymmetricKeyType === 'rsa' && modulusLength >= bitsMin && modulusLength <= bitsMax
    && publicExponent > 65_536n && publicExponent % 2n === 1n
  return isSound ? key : undefined
}
