import { createCipheriv, createDecipheriv, createHmac } from 'node:crypto'
import { lengthPrefixed, type ForwardId, type Random, Secret, type Tenant } from '@ngome/kernel'

/** Separates these keys from every other use of the secret. */
const keyLabel = 'ngome/forward-answer-key/v1'
const contextLabel = 'ngome/forward-answer/v1'
const format = 1
const keyBytes = 32
const nonceBytes = 12
const tagBytes = 16
const cipherName = 'aes-256-gcm'

/**
 * The key of one forward's answer: who holds the secret makes it again, who holds the key makes no other.
 * @returns 32 bytes, HMAC-SHA-256
 */
export function forwardAnswerKey(secret: Secret<Uint8Array>, { merchant, world }: Tenant, id: ForwardId): Secret<Uint8Array> {
  return new Secret(secret.expose((key) => createHmac('sha256', key).update(lengthPrefixed(keyLabel, merchant, world, id)).digest()))
}

/**
 * Encrypts an answer under its key: format (1 byte) ‖ nonce (12) ‖ ciphertext ‖ tag (16), AES-256-GCM with tenant and
 * forward as its context.
 * @returns `undefined` where the key is none
 */
export function encryptForwardAnswer(
  key: Secret<Uint8Array>, tenant: Tenant, id: ForwardId, answer: Uint8Array, random: Random,
): Uint8Array | undefined {
  return key.expose((bytes) => {
    if (bytes.length !== keyBytes) return undefined
    const nonce = random.bytes(nonceBytes)
    const cipher = createCipheriv(cipherName, bytes, nonce, { authTagLength: tagBytes })
    cipher.setAAD(contextOf(tenant, id))
    return Buffer.concat([Buffer.of(format), nonce, cipher.update(answer), cipher.final(), cipher.getAuthTag()])
  })
}

/** @returns `undefined` where it is not this forward's answer, whatever it is instead */
export function decryptForwardAnswer(key: Secret<Uint8Array>, tenant: Tenant, id: ForwardId, blob: Uint8Array): Uint8Array | undefined {
  if (blob.length < 1 + nonceBytes + tagBytes || blob[0] !== format) return undefined
  return key.expose((bytes) => {
    try {
      const decipher = createDecipheriv(cipherName, bytes, blob.subarray(1, 1 + nonceBytes), { authTagLength: tagBytes })
      decipher.setAAD(contextOf(tenant, id))
      decipher.setAuthTag(blob.subarray(-tagBytes))
      return Buffer.concat([decipher.update(blob.subarray(1 + nonceBytes, -tagBytes)), decipher.final()])
    } catch {
      return undefined
    }
  })
}

function contextOf({ merchant, world }: Tenant, id: ForwardId): Uint8Array {
  return lengthPrefixed(contextLabel, merchant, world, id)
}
