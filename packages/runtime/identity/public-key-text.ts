import { createPublicKey, type KeyObject } from 'node:crypto'
import { parseBase64Url } from '@ngome/kernel'

const ed25519Bytes = 32

/** How an Ed25519 public key crosses a process boundary: its 32 bytes (RFC 8032 §5.1.5) in base64url. */
export function publicKeyText(key: KeyObject): string {
  const { x } = key.export({ format: 'jwk' })
  if (key.asymmetricKeyType !== 'ed25519' || x === undefined) throw new TypeError('a key that is not Ed25519')
  return x
}

/** @returns the key, or `undefined` where the text is not 32 bytes in base64url. */
export function parsePublicKeyText(text: string): KeyObject | undefined {
  if (parseBase64Url(text)?.length !== ed25519Bytes) return undefined
  return createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: text }, format: 'jwk' })
}
