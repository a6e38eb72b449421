import { createHmac, type KeyObject } from 'node:crypto'
import { saltBytes } from './format.ts'

/**
 * One step from a data key to one record's key: HMAC-SHA-512 under the data key over context ‖ salt. The context frames
 * itself and the salt has one length, so that no two pairs give the same bytes.
 * @returns 64 bytes: the single-use AES-256 key, then the commitment to it
 */
export function deriveRecordKey(dataKey: KeyObject, context: Uint8Array, salt: Uint8Array): Uint8Array {
  if (salt.length !== saltBytes) throw new TypeError('a salt of another length')
  return createHmac('sha512', dataKey).update(context).update(salt).digest()
}
