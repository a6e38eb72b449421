import { createCipheriv, createHmac } from 'node:crypto'
import type { Random } from '@ngome/kernel'
import { blobPrefix } from './blob-prefix.ts'
import type { DataKey } from './data-key.ts'
import { messageFor } from './encode-record-context.ts'
import {
  cipherKeyBytes, ciphertextAt, commitmentAt, commitmentBytes, plaintextBytesMax, prefixBytes, saltBytes, tagBytes,
} from './format.ts'
import { nonce } from './nonce.ts'
import type { RecordContext } from './record-context.ts'
import { writeSalt } from './salt-pool.ts'

const options = { authTagLength: tagBytes }

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
  const { message } = messageFor(context, dataKey.suite)
  const prefix = blobPrefix(dataKey)
  const blob = Buffer.allocUnsafe(ciphertextAt + plaintext.length + tagBytes)
  blob.set(prefix)
  writeSalt(random, message, message.length - saltBytes, blob, prefixBytes)
  const recordKey = createHmac('sha512', dataKey.key).update(message).digest()
  // Plain loops: for so few bytes, a view or `fill` costs more than the work.
  for (let index = 0; index < commitmentBytes; index++) {
    blob[commitmentAt + index] = recordKey[cipherKeyBytes + index] ?? 0
  }
  const cipher = createCipheriv('aes-256-gcm', recordKey.subarray(0, cipherKeyBytes), nonce, options)
  for (let index = 0; index < cipherKeyBytes; index++) recordKey[index] = 0
  cipher.setAAD(prefix)
  blob.set(cipher.update(plaintext), ciphertextAt)
  cipher.final()
  blob.set(cipher.getAuthTag(), ciphertextAt + plaintext.length)
  return blob
}
