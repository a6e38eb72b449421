import { crc32 } from 'node:zlib'
import { wipeableBytes } from '@ngome/kernel'
import { rootKeyBytes } from '../software-root-key.ts'

/** One holder's part of a root key. Which set it is of is no secret; `value` is, and is wiped after use. */
export type Share = {
  /** Twelve hexadecimal digits, made anew with each set. */
  readonly set: string
  readonly threshold: number
  /** Where the polynomials are evaluated: 1 to 255. */
  readonly index: number
  readonly value: Uint8Array
}

export type ParsedShare = { readonly ok: true; readonly share: Share } | { readonly ok: false; readonly reason: 'malformed' | 'other_version' }

const version = 1
export const setIdBytes = 6
const valueAt = 1 + setIdBytes + 2
const checksumAt = valueAt + rootKeyBytes
const shareBytes = checksumAt + 4
/** 45 bytes are 360 bits are 72 characters: no padding. */
const characters = (shareBytes * 8) / 5
const groupLength = 6
/** Douglas Crockford's base 32: no letter that a reader takes for a digit; the ones left out are read as what they look like. */
const alphabet = Buffer.from('0123456789abcdefghjkmnpqrstvwxyz')
const skipped = new Set(Buffer.from('- \t\r\n'))
const values: ReadonlyMap<number, number> = new Map([
  ...[...alphabet].map((code, at) => [code, at] as const),
  ...[...Buffer.from(alphabet.toString().toUpperCase())].map((code, at) => [code, at] as const),
  ...[...Buffer.from('oO')].map((code) => [code, 0] as const),
  ...[...Buffer.from('iIlL')].map((code) => [code, 1] as const),
])

/**
 * Writes a share as twelve groups of six characters: version, set, threshold, index, value, and a CRC-32 over all of it,
 * which finds every slip of one character or of two beside each other. Bytes, not a string, which nobody could wipe.
 */
export function formatShare({ set, threshold, index, value }: Share): Uint8Array {
  const bytes = wipeableBytes(shareBytes)
  bytes[0] = version
  bytes.set(Buffer.from(set, 'hex'), 1)
  bytes[1 + setIdBytes] = threshold
  bytes[2 + setIdBytes] = index
  bytes.set(value, valueAt)
  viewOf(bytes).setUint32(checksumAt, crc32(bytes.subarray(0, checksumAt)))
  const text = wipeableBytes(characters + characters / groupLength - 1)
  for (let at = 0; at < characters; at++) {
    const place = at + Math.floor(at / groupLength)
    text[place] = alphabet[fiveBits(bytes, at * 5)] ?? 0
    if (at % groupLength === groupLength - 1 && at < characters - 1) text[place + 1] = 0x2d
  }
  bytes.fill(0)
  return text
}

/** Reads what a holder typed, in any case, with or without its hyphens. The text stays the caller's to wipe. */
export function parseShare(text: Uint8Array): ParsedShare {
  const bytes = wipeableBytes(shareBytes)
  try {
    if (!decode(text, bytes)) return { ok: false, reason: 'malformed' }
    const view = viewOf(bytes)
    if (view.getUint32(checksumAt) !== crc32(bytes.subarray(0, checksumAt))) return { ok: false, reason: 'malformed' }
    if (bytes[0] !== version) return { ok: false, reason: 'other_version' }
    const [threshold = 0, index = 0] = bytes.subarray(1 + setIdBytes, valueAt)
    if (threshold < 2 || index === 0) return { ok: false, reason: 'malformed' }
    const value = wipeableBytes(rootKeyBytes)
    value.set(bytes.subarray(valueAt, checksumAt))
    return { ok: true, share: { set: Buffer.from(bytes.subarray(1, 1 + setIdBytes)).toString('hex'), threshold, index, value } }
  } finally {
    bytes.fill(0)
  }
}

function decode(text: Uint8Array, bytes: Uint8Array): boolean {
  let count = 0
  for (const code of text) {
    if (skipped.has(code)) continue
    const value = values.get(code)
    if (value === undefined || count === characters) return false
    for (let bit = 0; bit < 5; bit++) {
      const at = count * 5 + bit
      bytes[at >> 3] = (bytes[at >> 3] ?? 0) | (((value >> (4 - bit)) & 1) << (7 - (at & 7)))
    }
    count++
  }
  return count === characters
}

function fiveBits(bytes: Uint8Array, from: number): number {
  const pair = ((bytes[from >> 3] ?? 0) << 8) | (bytes[(from >> 3) + 1] ?? 0)
  return (pair >> (11 - (from & 7))) & 31
}

function viewOf({ buffer, byteOffset, byteLength }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, byteLength)
}
