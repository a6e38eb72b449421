import { ckm, gcmParameter, type Mechanism } from './cryptoki.ts'
import type { OpenToken } from './open-token.ts'

const nonceBytes = 12
const tagBytes = 16

/** AES-256-GCM in the token. The nonce is the caller's, who knows how often the key was used. @returns ciphertext, tag */
export async function encryptInToken(
  { cryptoki, session, key }: OpenToken, nonce: Uint8Array, context: Uint8Array, value: Uint8Array,
): Promise<Uint8Array> {
  cryptoki.C_EncryptInit(session, gcm(nonce, context), key.handle)
  return new Uint8Array(await cryptoki.C_EncryptAsync(session, Buffer.from(value), Buffer.alloc(value.length + tagBytes)))
}

/** Undoes {@link encryptInToken}; throws the module's error, which does not say whether bytes or token are at fault. */
export async function decryptInToken(
  { cryptoki, session, key }: OpenToken, nonce: Uint8Array, context: Uint8Array, bytes: Uint8Array,
): Promise<Uint8Array> {
  cryptoki.C_DecryptInit(session, gcm(nonce, context), key.handle)
  // Some modules write the tag's length before they cut it off.
  const output = Buffer.alloc(bytes.length)
  try {
    return new Uint8Array(await cryptoki.C_DecryptAsync(session, Buffer.from(bytes), output))
  } finally {
    output.fill(0)
  }
}

function gcm(nonce: Uint8Array, context: Uint8Array): Mechanism {
  const parameter = {
    type: gcmParameter, iv: Buffer.from(nonce), aad: Buffer.from(context), ivBits: nonceBytes * 8, tagBits: tagBytes * 8,
  }
  return { mechanism: ckm.aesGcm, parameter }
}
