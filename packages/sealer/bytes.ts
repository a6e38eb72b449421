export type Bytes = Uint8Array<ArrayBuffer>

export function concat(...parts: readonly Uint8Array[]): Bytes {
  const all = new Uint8Array(parts.reduce((length, part) => length + part.length, 0))
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return all
}

export function ascii(text: string): Bytes {
  return Uint8Array.from(text, (character) => character.charCodeAt(0))
}

/** A number in so many bytes, big endian. */
export function uint(number: number, bytes: 2 | 4): Bytes {
  const all = new Uint8Array(bytes)
  const view = new DataView(all.buffer)
  if (bytes === 2) view.setUint16(0, number)
  else view.setUint32(0, number)
  return all
}

/** The length-prefixed list of docs/envelope-format.md, "Notation". */
export function lengthPrefixed(...fields: readonly string[]): Bytes {
  return concat(...fields.flatMap((field) => [uint(field.length, 4), ascii(field)]))
}

/** @returns the fields of a length-prefixed list, or `undefined` where the bytes are not exactly one */
export function parseLengthPrefixed(bytes: Bytes): readonly Bytes[] | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const fields: Bytes[] = []
  for (let at = 0; at < bytes.length;) {
    if (bytes.length - at < 4) return undefined
    const length = view.getUint32(at)
    at += 4
    if (bytes.length - at < length) return undefined
    fields.push(bytes.subarray(at, at + length))
    at += length
  }
  return fields
}

export function toBase64Url(bytes: Uint8Array): string {
  let text = ''
  for (const byte of bytes) text += String.fromCharCode(byte)
  return btoa(text).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
}

/** @returns the bytes, or `undefined` where the text is not canonical, unpadded base64url (RFC 4648 §5) */
export function parseBase64Url(text: string): Bytes | undefined {
  if (!/^[A-Za-z0-9_-]*$/.test(text) || text.length % 4 === 1) return undefined
  const bytes = ascii(atob(text.replaceAll('-', '+').replaceAll('_', '/')))
  return toBase64Url(bytes) === text ? bytes : undefined
}
