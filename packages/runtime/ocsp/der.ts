/** Bytes that are not the DER that was looked for; they were somebody else's, and nothing of them is told. */
export class NotDer extends Error {}

/** One value: its tag, what is in it, and all of its bytes. */
export type Der = { readonly tag: number; readonly content: Uint8Array; readonly raw: Uint8Array }

export const derTag = {
  boolean: 0x01, integer: 0x02, bitString: 0x03, octetString: 0x04, null: 0x05, oid: 0x06, enumerated: 0x0a,
  generalizedTime: 0x18, sequence: 0x30,
} as const

/** @returns the tag [n], which holds other values where it is explicit */
export const contextTag = (number: number, isConstructed = true): number => 0x80 | (isConstructed ? 0x20 : 0) | number

const lengthBytesMax = 3

/**
 * Reads values one after the other, in DER and nothing laxer (X.690 §10.1: definite lengths in their shortest form): an
 * encoding that two readers may take apart in two ways is refused.
 */
export class DerReader {
  readonly #bytes: Uint8Array
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length
  }

  /** @throws NotDer where the next value has another tag, or is none */
  next(tag: number): Der {
    const der = this.any()
    if (der.tag !== tag) throw new NotDer('another tag')
    return der
  }

  /** The next value, whatever its tag. @throws NotDer */
  any(): Der {
    const start = this.#at
    const tag = this.#byte()
    // Tags of several bytes: nothing that we read has one (X.690 §8.1.2.4).
    if ((tag & 0x1f) === 0x1f) throw new NotDer('a tag of several bytes')
    const length = this.#length()
    const from = this.#at
    if (length > this.#bytes.length - from) throw new NotDer('longer than its bytes')
    this.#at = from + length
    return { tag, content: this.#bytes.subarray(from, this.#at), raw: this.#bytes.subarray(start, this.#at) }
  }

  /** The next value where it has this tag. @throws NotDer */
  optional(tag: number): Der | undefined {
    return this.#bytes[this.#at] === tag ? this.next(tag) : undefined
  }

  /** What is within the next value of this tag. @throws NotDer */
  within(tag: number): DerReader {
    return new DerReader(this.next(tag).content)
  }

  /** All that is left, each with this tag. @throws NotDer where they are more than `max` */
  all(tag: number, max: number): readonly Der[] {
    const found: Der[] = []
    while (!this.isAtEnd) {
      if (found.length >= max) throw new NotDer('more than may be')
      found.push(this.next(tag))
    }
    return found
  }

  /** @throws NotDer where something is left */
  end(): void {
    if (!this.isAtEnd) throw new NotDer('more than was looked for')
  }

  #byte(): number {
    const byte = this.#bytes[this.#at++]
    if (byte === undefined) throw new NotDer('ends too soon')
    return byte
  }

  #length(): number {
    const first = this.#byte()
    if (first < 0x80) return first
    const count = first & 0x7f
    if (count === 0 || count > lengthBytesMax) throw new NotDer('a length without an end, or past every bound')
    let length = 0
    for (let at = 0; at < count; at++) length = length * 256 + this.#byte()
    if (length < (count === 1 ? 0x80 : 256 ** (count - 1))) throw new NotDer('a length that could be shorter')
    return length
  }
}

/** The only value of these bytes. @throws NotDer */
export function readDer(bytes: Uint8Array, tag: number): DerReader {
  const reader = new DerReader(bytes)
  const inner = reader.within(tag)
  reader.end()
  return inner
}

/** @returns the instant of a GeneralizedTime as RFC 5280 §4.1.2.5.2 has it, in milliseconds. @throws NotDer */
export function readTimeMs({ content }: Der): number {
  const match = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(Buffer.from(content).toString('latin1'))
  if (match === null) throw new NotDer('a time in another form')
  const [, year, month, day, hour, minute, second] = match
  const iso = `${year}-${month}-${day}T${hour}:${minute}:${second}.000Z`
  const ms = Date.parse(iso)
  // The 31st of February would be the 3rd of March.
  if (Number.isNaN(ms) || new Date(ms).toISOString() !== iso) throw new NotDer('a time that is none')
  return ms
}

/** Writes a value of these parts. */
export function writeDer(tag: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const content = Buffer.concat(parts)
  const { length } = content
  const bytes = length < 0x80 ? [] : length < 0x100 ? [length] : length < 0x10000 ? [length >> 8, length & 0xff] : [length >> 16, length >> 8 & 0xff, length & 0xff]
  const head = bytes.length === 0 ? [tag, length] : [tag, 0x80 | bytes.length, ...bytes]
  return Buffer.concat([Buffer.from(head), content])
}

/** @returns the content bytes of an object identifier, in hexadecimal, as {@link oidOf} reads them */
export function oidHex(dotted: string): string {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number)
  const bytes: number[] = []
  for (const arc of [first * 40 + second, ...rest]) {
    const groups = [arc & 0x7f]
    for (let left = Math.floor(arc / 128); left > 0; left = Math.floor(left / 128)) groups.unshift(0x80 | left & 0x7f)
    bytes.push(...groups)
  }
  return Buffer.from(bytes).toString('hex')
}

export function oidOf({ content }: Der): string {
  return Buffer.from(content).toString('hex')
}
