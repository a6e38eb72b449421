import { createDecipheriv } from 'node:crypto'
import { equalsInConstantTime, Fault, type Secret } from '@ngome/kernel'
import { cipherKeyBytes, recordKeyBytes, tagBytes } from './format.ts'
import { nonce } from './nonce.ts'
import { parseBlob, type Blob } from './parse-blob.ts'

/**
 * Opens one sealed record with the key that the custodian derived for it.
 * @param recordKey 64 bytes: the AES-256 key, then the commitment
 * @throws Fault `envelope/open_refused`, the same whatever was wrong
 */
export function openRecord(recordKey: Secret<Uint8Array>, blob: Uint8Array): Uint8Array {
  const parts = parseBlob(blob)
  const plaintext = parts === undefined ? undefined : recordKey.expose((key) => decrypt(key, parts))
  if (plaintext === undefined) throw new Fault('envelope/open_refused', 'a sealed record did not open')
  return plaintext
}

function decrypt(recordKey: Uint8Array, { prefix, commitment, ciphertext }: Blob): Uint8Array | undefined {
  // Before decrypting: GCM alone lets a forger make one ciphertext that opens under two keys of his choice.
  if (recordKey.length !== recordKeyBytes) return undefined
  if (!equalsInConstantTime(recordKey.subarray(cipherKeyBytes), commitment)) return undefined
  const tagAt = ciphertext.length - tagBytes
  const key = recordKey.subarray(0, cipherKeyBytes)
  const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: tagBytes })
  decipher.setAAD(prefix)
  decipher.setAuthTag(ciphertext.subarray(tagAt))
  const plaintext = decipher.update(ciphertext.subarray(0, tagAt))
  try {
    decipher.final()
    return plaintext
  } catch {
    plaintext.fill(0)
    return undefined
  }
}
