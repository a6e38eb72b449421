import { createHash, type KeyObject } from 'node:crypto'

/** @returns SHA-256 of a public key (DER, SubjectPublicKeyInfo), base64: a pin, as RFC 7469 §2.4 writes it */
export function spkiPin(publicKey: KeyObject): string {
  return createHash('sha256').update(publicKey.export({ format: 'der', type: 'spki' })).digest('base64')
}
