import { NotStructured, type Scanner } from './scanner.ts'
import type { BareItem } from './values.ts'

const numberPattern = /-?[0-9]+(?:\.[0-9]*)?/y
const stringPattern = /"(?:[\x20-\x21\x23-\x5b\x5d-\x7e]|\\["\\])*"/y
const tokenPattern = /[A-Za-z*][A-Za-z0-9!#$%&'*+.^_`|~:/-]*/y
const binaryPattern = /:[A-Za-z0-9+/]*={0,2}:/y
const displayPattern = /%"(?:[\x20-\x21\x23-\x24\x26-\x7e]|%[0-9a-f]{2})*"/y

/** Reads a bare item (RFC 9651 §4.2.3.1). @throws NotStructured */
export function parseBareItem(scanner: Scanner): BareItem {
  const { next } = scanner
  switch (next) {
    case '"': return { type: 'string', value: scanner.match(stringPattern).slice(1, -1).replaceAll(/\\(.)/g, '$1') }
    case ':': return readBinary(scanner)
    case '?': return readBoolean(scanner)
    case '@': return readDate(scanner)
    case '%': return readDisplayString(scanner)
    default: return /[0-9-]/.test(next) ? readNumber(scanner) : { type: 'token', value: scanner.match(tokenPattern) }
  }
}

/** RFC 9651 §4.2.4: 15 digits, or 12 and up to 3 behind a point. */
function readNumber(scanner: Scanner): BareItem & { type: 'integer' | 'decimal' } {
  const [whole = '', fraction] = scanner.match(numberPattern).split('.')
  const digits = whole.replace('-', '').length
  if (fraction === undefined) {
    if (digits > 15) throw new NotStructured()
    // Adding zero makes minus zero, which the wire does not know, plain.
    return { type: 'integer', value: Number(whole) + 0 }
  }
  if (digits > 12 || fraction.length < 1 || fraction.length > 3) throw new NotStructured()
  return { type: 'decimal', value: Number(`${whole}.${fraction}`) }
}

/** RFC 9651 §4.2.7, only in its canonical form: two spellings of the same bytes would be two of the same signature. */
function readBinary(scanner: Scanner): BareItem {
  const text = scanner.match(binaryPattern).slice(1, -1)
  const value = Buffer.from(text, 'base64')
  if (value.toString('base64') !== text) throw new NotStructured()
  return { type: 'binary', value }
}

/** RFC 9651 §4.2.8 */
function readBoolean(scanner: Scanner): BareItem {
  scanner.expect('?')
  if (scanner.take('1')) return { type: 'boolean', value: true }
  scanner.expect('0')
  return { type: 'boolean', value: false }
}

/** RFC 9651 §4.2.9 */
function readDate(scanner: Scanner): BareItem {
  scanner.expect('@')
  const { type, value } = readNumber(scanner)
  if (type !== 'integer') throw new NotStructured()
  return { type: 'date', value }
}

/** RFC 9651 §4.2.10 */
function readDisplayString(scanner: Scanner): BareItem {
  const encoded = scanner.match(displayPattern).slice(2, -1)
  try {
    return { type: 'display-string', value: decodeURIComponent(encoded) }
  } catch {
    throw new NotStructured()
  }
}
