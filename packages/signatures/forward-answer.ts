import { createHmac } from 'node:crypto'
import { lengthPrefixed, type ForwardId, type Random, Secret, type Tenant } from '@ngome/kernel'
import { decryptBlob, encryptBlob } from './encrypted-blob.ts'

/** Separates these keys from every other use of the secret. */
const keyLabel = 'ngome/forward-answer-key/v1'
const contextLabel = 'ngome/forward-answer/v1'

/**
 * The key of one forward's answer: who holds the secret makes it again, who holds the key makes no other.
 * @returns 32 bytes, HMAC-SHA-256
 */
export function forwardAnswerKey(secret: Secret<Uint8Array>, { merchant, world }: Tenant, id: ForwardId): Secret<Uint8Array> {
  return new Secret(secret.expose((key) => createHmac('sha256', key).update(lengthPrefixed(keyLabel, merchant, world, id)).digest()))
}

/**
 * Encrypts an answer under its key (`encrypted-blob.ts`), with tenant and forward as its context.
 * @returns `undefined` where the key is none
 */
export function encryptForwardAnswer(
  key: Secret<Uint8Array>, tenant: Tenant, id: ForwardId, answer: Uint8Array, random: Random,
): Uint8Array | undefined {
  return encryptBlob(key, contextOf(tenant, id), answer, random)
}

/** @returns `undefined` where it is not this forward's answer, whatever it is instead */
export function decryptForwardAnswer(key: Secret<Uint8Array>, tenant: Tenant, id: ForwardId, blob: Uint8Array): Uint8Array | undefined {
  return decryptBlob(key, contextOf(tenant, id), blob)
}

function contextOf({ merchant, world }: Tenant, id: ForwardId): Uint8Array {
  return lengthPrefixed(contextLabel, merchant, world, id)
}
