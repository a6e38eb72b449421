import { timingSafeEqual } from 'node:crypto'

/** The longest field that {@link lengthPrefixed} frames: its length is written in four bytes. */
const fieldBytesMax = 0xffff_ffff
const lengthBytes = 4
const numberBytes = 8

/**
 * Frames fields so that no two different lists give the same bytes: each field is its length (four bytes, big
 * endian) and then its bytes. Strings are UTF-8, bigints and numbers are eight bytes, big endian, unsigned.
 */
export function lengthPrefixed(...fields: readonly (string | Uint8Array | number | bigint)[]): Uint8Array {
  let length = 0
  for (const field of fields) length += lengthBytes + byteLength(field)
  const framed = Buffer.allocUnsafe(length)
  let at = 0
  for (const field of fields) {
    const bytes = byteLength(field)
    at = framed.writeUInt32BE(bytes, at)
    if (typeof field === 'string') framed.write(field, at, 'utf8')
    else if (typeof field === 'object') framed.set(field, at)
    else framed.writeBigUInt64BE(BigInt(field), at)
    at += bytes
  }
  return framed
}

/**
 * Takes a framed list apart.
 * @returns the fields, or `undefined` where the bytes are not exactly a framed list.
 */
export function parseLengthPrefixed(bytes: Uint8Array): readonly Uint8Array[] | undefined {
  const fields: Uint8Array[] = []
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let at = 0
  while (at < view.length) {
    if (view.length - at < 4) return undefined
    const length = view.readUInt32BE(at)
    at += 4
    if (view.length - at < length) return undefined
    fields.push(view.subarray(at, at + length))
    at += length
  }
  return fields
}

/**
 * Zeroed bytes for what is wiped after use. A small typed array lies in JavaScript's heap, where the garbage collector
 * copies it and leaves the old place as it was; the memory of an `ArrayBuffer` stays where it is.
 */
export function wipeableBytes(length: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(new ArrayBuffer(length))
}

/** Compares in a time that depends on the lengths only. */
export function equalsInConstantTime(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b)
}

/** As {@link equalsInConstantTime}, of texts: where one is at hand, to make bytes of it costs more than to compare it. */
export function textsEqualInConstantTime(a: string, b: string): boolean {
  let difference = a.length ^ b.length
  for (let at = 0; at < a.length; at++) difference |= a.charCodeAt(at) ^ b.charCodeAt(at)
  return difference === 0
}

export function toBase64Url(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64url')
}

/** @returns the bytes, or `undefined` where the text is not canonical, unpadded base64url (RFC 4648 §5). */
export function parseBase64Url(text: string): Uint8Array | undefined {
  const bytes = Buffer.from(text, 'base64url')
  // Node skips characters that it does not know; only a round trip proves that nothing was skipped.
  return bytes.toString('base64url') === text ? bytes : undefined
}

function byteLength(field: string | Uint8Array | number | bigint): number {
  if (typeof field === 'string') return Buffer.byteLength(field, 'utf8')
  if (typeof field !== 'object') return numberBytes
  if (field.length > fieldBytesMax) throw new RangeError('a field longer than four bytes can count')
  return field.length
}
