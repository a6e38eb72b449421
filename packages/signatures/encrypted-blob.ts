import { createCipheriv, createDecipheriv } from 'node:crypto'
import type { Random, Secret } from '@ngome/kernel'

const format = 1
const keyBytes = 32
const nonceBytes = 12
const tagBytes = 16
const cipherName = 'aes-256-gcm'

/**
 * Encrypts a few bytes under a key that is theirs alone: format (1 byte) ‖ nonce (12) ‖ ciphertext ‖ tag (16), AES-256-GCM.
 * @param context what it is and whose; it opens in no other
 * @returns `undefined` where the key is none
 */
export function encryptBlob(key: Secret<Uint8Array>, context: Uint8Array, plaintext: Uint8Array, random: Random): Uint8Array | undefined {
  return key.expose((bytes) => {
    if (bytes.length !== keyBytes) return undefined
    const nonce = random.bytes(nonceBytes)
    const cipher = createCipheriv(cipherName, bytes, nonce, { authTagLength: tagBytes })
    cipher.setAAD(context)
    return Buffer.concat([Buffer.of(format), nonce, cipher.update(plaintext), cipher.final(), cipher.getAuthTag()])
  })
}

/** @returns `undefined` where it is not what was encrypted under this key in this context, whatever it is instead */
export function decryptBlob(key: Secret<Uint8Array>, context: Uint8Array, blob: Uint8Array): Uint8Array | undefined {
  if (blob.length < 1 + nonceBytes + tagBytes || blob[0] !== format) return undefined
  return key.expose((bytes) => {
    try {
      const decipher = createDecipheriv(cipherName, bytes, blob.subarray(1, 1 + nonceBytes), { authTagLength: tagBytes })
      decipher.setAAD(context)
      decipher.setAuthTag(blob.subarray(-tagBytes))
      return Buffer.concat([decipher.update(blob.subarray(1 + nonceBytes, -tagBytes)), decipher.final()])
    } catch {
      return undefined
    }
  })
}
