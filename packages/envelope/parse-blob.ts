import { parseId, type DataKeyId } from '@ngome/kernel'
import { blobBytesMax, blobFormat, ciphertextAt, commitmentAt, prefixBytes, tagBytes } from './format.ts'
import { suiteNumbered, type SuiteName } from './suites.ts'

/** The parts of a sealed record. A part is cut out when it is asked for: who looks up a key needs two of the four. */
export class Blob {
  readonly suite: SuiteName
  readonly dataKeyId: DataKeyId
  readonly #bytes: Uint8Array

  constructor(suite: SuiteName, dataKeyId: DataKeyId, bytes: Uint8Array) {
    this.suite = suite
    this.dataKeyId = dataKeyId
    this.#bytes = bytes
  }

  get salt(): Uint8Array {
    return this.#bytes.subarray(prefixBytes, commitmentAt)
  }

  get commitment(): Uint8Array {
    return this.#bytes.subarray(commitmentAt, ciphertextAt)
  }

  /** With its tag, the last 16 bytes. */
  get ciphertext(): Uint8Array {
    return this.#bytes.subarray(ciphertextAt)
  }
}

/** Whether bytes have a sealed record's length, its format and a suite that there is. */
export function hasBlobShape(bytes: Uint8Array): boolean {
  return bytes.length >= ciphertextAt + tagBytes && bytes.length <= blobBytesMax &&
    bytes[0] === blobFormat && suiteNumbered(bytes[1]) !== undefined
}

/** @returns the parts of a sealed record, or `undefined` where the bytes do not have that shape. */
export function parseBlob(blob: Uint8Array): Blob | undefined {
  if (!hasBlobShape(blob)) return undefined
  const bytes = Buffer.isBuffer(blob) ? blob : Buffer.from(blob.buffer, blob.byteOffset, blob.byteLength)
  const dataKeyId = parseId('dataKey', bytes.toString('latin1', 2, prefixBytes))
  const suite = suiteNumbered(bytes[1])
  return dataKeyId === undefined || suite === undefined ? undefined : new Blob(suite, dataKeyId, bytes)
}
