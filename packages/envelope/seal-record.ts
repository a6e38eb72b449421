import { createCipheriv } from 'node:crypto'
import type { Random } from '@ngome/kernel'
import type { DataKey } from './data-key.ts'
import { deriveRecordKey } from './derive-record-key.ts'
import {
  blobFormat, blobSuite, cipherKeyBytes, ciphertextAt, commitmentAt, plaintextBytesMax, prefixBytes, saltBytes, tagBytes,
} from './format.ts'
import { nonce } from './nonce.ts'
import { encodeRecordContext, type RecordContext } from './record-context.ts'

/**
 * Seals one record under a data key of the same tenant.
 * @returns the blob: format ‖ suite ‖ data key id ‖ salt ‖ commitment ‖ ciphertext ‖ tag
 * @throws TypeError where the context is not well formed or is another tenant's: the caller has a bug
 */
export function sealRecord(dataKey: DataKey, context: RecordContext, plaintext: Uint8Array, random: Random): Uint8Array {
  const { tenant } = context
  if (tenant.merchant !== dataKey.tenant.merchant || tenant.world !== dataKey.tenant.world) {
    throw new TypeError('a record of one tenant under the data key of another')
  }
  if (plaintext.length > plaintextBytesMax) throw new RangeError('a record past the bound')
  const blob = Buffer.allocUnsafe(ciphertextAt + plaintext.length + tagBytes)
  blob[0] = blobFormat
  blob[1] = blobSuite
  blob.write(dataKey.id, 2, 'latin1')
  const salt = random.bytes(saltBytes)
  blob.set(salt, prefixBytes)
  const recordKey = deriveRecordKey(dataKey.key, encodeRecordContext(context), salt)
  blob.set(recordKey.subarray(cipherKeyBytes), commitmentAt)
  const cipher = createCipheriv('aes-256-gcm', recordKey.subarray(0, cipherKeyBytes), nonce, { authTagLength: tagBytes })
  recordKey.fill(0)
  cipher.setAAD(blob.subarray(0, prefixBytes))
  blob.set(cipher.update(plaintext), ciphertextAt)
  cipher.final()
  blob.set(cipher.getAuthTag(), ciphertextAt + plaintext.length)
  return blob
}
