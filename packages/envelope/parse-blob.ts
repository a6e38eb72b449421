import { parseId, type DataKeyId } from '@ngome/kernel'
import {
  blobBytesMax, blobFormat, blobSuite, ciphertextAt, commitmentAt, prefixBytes, tagBytes,
} from './format.ts'

export type Blob = {
  readonly dataKeyId: DataKeyId
  /** Format, suite and data key id as they stand: what the tag covers beside the ciphertext. */
  readonly prefix: Uint8Array
  readonly salt: Uint8Array
  readonly commitment: Uint8Array
  /** With its tag, the last 16 bytes. */
  readonly ciphertext: Uint8Array
}

/** @returns the parts of a sealed record, as views into it, or `undefined` where it does not have that shape. */
export function parseBlob(blob: Uint8Array): Blob | undefined {
  if (blob.length < ciphertextAt + tagBytes || blob.length > blobBytesMax) return undefined
  if (blob[0] !== blobFormat || blob[1] !== blobSuite) return undefined
  const bytes = Buffer.from(blob.buffer, blob.byteOffset, blob.byteLength)
  const dataKeyId = parseId('dataKey', bytes.toString('latin1', 2, prefixBytes))
  if (dataKeyId === undefined) return undefined
  return {
    dataKeyId,
    prefix: bytes.subarray(0, prefixBytes),
    salt: bytes.subarray(prefixBytes, commitmentAt),
    commitment: bytes.subarray(commitmentAt, ciphertextAt),
    ciphertext: bytes.subarray(ciphertextAt),
  }
}
