import { createDecipheriv } from 'node:crypto'
import { equalsInConstantTime, Fault, type Secret } from '@ngome/kernel'
import { cipherKeyBytes, ciphertextAt, commitmentAt, prefixBytes, recordKeyBytes, tagBytes } from './format.ts'
import { nonce } from './nonce.ts'
import { hasBlobShape } from './parse-blob.ts'

const options = { authTagLength: tagBytes }

/**
 * Opens one sealed record with the key that the custodian derived for it.
 * @param recordKey 64 bytes: the AES-256 key, then the commitment
 * @throws Fault `envelope/open_refused`, the same whatever was wrong
 */
export function openRecord(recordKey: Secret<Uint8Array>, blob: Uint8Array): Uint8Array {
  const plaintext = recordKey.expose((key) => decrypt(key, blob))
  if (plaintext === undefined) throw new Fault('envelope/open_refused', 'a sealed record did not open')
  return plaintext
}

function decrypt(recordKey: Uint8Array, blob: Uint8Array): Uint8Array | undefined {
  if (recordKey.length !== recordKeyBytes || !hasBlobShape(blob)) return undefined
  // Before decrypting: GCM alone lets a forger make one ciphertext that opens under two keys of his choice.
  if (!equalsInConstantTime(recordKey.subarray(cipherKeyBytes), blob.subarray(commitmentAt, ciphertextAt))) return undefined
  const tagAt = blob.length - tagBytes
  const decipher = createDecipheriv('aes-256-gcm', recordKey.subarray(0, cipherKeyBytes), nonce, options)
  decipher.setAAD(blob.subarray(0, prefixBytes))
  decipher.setAuthTag(blob.subarray(tagAt))
  const plaintext = decipher.update(blob.subarray(ciphertextAt, tagAt))
  try {
    decipher.final()
    return plaintext
  } catch {
    plaintext.fill(0)
    return undefined
  }
}
