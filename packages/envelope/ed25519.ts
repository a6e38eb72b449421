import { sign, verify, type KeyObject } from 'node:crypto'

/** Node picks the algorithm by the key; a key of another kind must not choose another one here (RFC 8032). */
function assertEd25519(key: KeyObject): void {
  if (key.asymmetricKeyType !== 'ed25519') throw new TypeError('a key that is not Ed25519')
}

export function signEd25519(bytes: Uint8Array, privateKey: KeyObject): Uint8Array {
  assertEd25519(privateKey)
  return sign(null, bytes, privateKey)
}

export function isSignedEd25519(bytes: Uint8Array, signature: Uint8Array, publicKey: KeyObject): boolean {
  assertEd25519(publicKey)
  return verify(null, bytes, publicKey, signature)
}
