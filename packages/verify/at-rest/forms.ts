import { createHash } from 'node:crypto'

/** Bytes that would give a value away, and what to call them. */
export type Form = { readonly name: string; readonly bytes: Buffer }

const digests = ['md5', 'sha1', 'sha256', 'sha512', 'sha3-256'] as const

/** The ways in which a text lies readable in a file: as it is, in other encodings, and reversibly wrapped. */
export function readableForms(text: string): Form[] {
  const utf8 = Buffer.from(text, 'utf8')
  const utf16 = Buffer.from(text, 'utf16le')
  return unique([
    { name: 'as it is', bytes: utf8 },
    { name: 'UTF-16, little endian', bytes: utf16 },
    { name: 'UTF-16, big endian', bytes: Buffer.from(utf16).swap16() },
    ...hexForms('hex', utf8),
    ...base64Forms('base64', utf8),
    { name: 'backwards', bytes: Buffer.from(utf8).reverse() },
    ...(/^[0-9]+$/.test(text) && text.length % 2 === 0 ? [{ name: 'packed digits', bytes: Buffer.from(text, 'hex') }] : []),
  ])
}

/** The ways in which bytes that are no text, such as a key's, lie readable in a file; their texts in UTF-16 as well. */
export function byteForms(bytes: Uint8Array): Form[] {
  const raw = Buffer.from(bytes)
  const texts = [...hexForms('hex', raw), ...base64Forms('base64', raw)]
  return unique([
    { name: 'as it is', bytes: raw },
    { name: 'backwards', bytes: Buffer.from(raw).reverse() },
    ...texts,
    ...texts.flatMap(({ name, bytes: text }) => {
      const utf16 = Buffer.from(text.toString('latin1'), 'utf16le')
      return [{ name: `${name}, UTF-16`, bytes: utf16 }, { name: `${name}, UTF-16, big endian`, bytes: Buffer.from(utf16).swap16() }]
    }),
  ])
}

/** Digests without a key: a phone number has so few values that its digest is the number itself, a little later. */
export function digestForms(value: string | Uint8Array): Form[] {
  return digests.flatMap((algorithm) => {
    const digest = createHash(algorithm).update(value).digest()
    return [
      { name: algorithm, bytes: digest },
      ...hexForms(`${algorithm} in hex`, digest),
      { name: `${algorithm} in base64`, bytes: Buffer.from(digest.toString('base64').replace(/=+$/, '')) },
      { name: `${algorithm} in base64url`, bytes: Buffer.from(digest.toString('base64url')) },
    ]
  })
}

/** @returns the forms as patterns of SQL's LIKE over a row's text, in which PostgreSQL writes bytes as hex. */
export function rowPatterns(forms: readonly Form[]): string[] {
  return [...new Set(forms.flatMap(({ bytes }) => {
    const text = bytes.toString('utf8')
    const isText = /^[\x20-\x7e]+$/.test(text)
    return [...(isText ? [`%${text.replace(/[\\%_]/g, '\\$&')}%`] : []), `%${bytes.toString('hex')}%`]
  }))]
}

function hexForms(name: string, bytes: Buffer): Form[] {
  const hex = bytes.toString('hex')
  return [{ name, bytes: Buffer.from(hex) }, { name: `${name}, upper case`, bytes: Buffer.from(hex.toUpperCase()) }]
}

/**
 * Base64 depends on where in its input the text begins: three alignments, of each the characters that do not depend on
 * the neighbours. The two alphabets differ in two characters only.
 */
function base64Forms(name: string, bytes: Buffer): Form[] {
  return [0, 1, 2].flatMap((shift) => {
    const padded = Buffer.concat([Buffer.alloc(shift), bytes])
    const from = shift === 0 ? 0 : shift + 1
    const whole = Math.floor((padded.length * 8) / 6)
    return (['base64', 'base64url'] as const).map((alphabet) => ({
      name: `${name}, offset ${shift}`,
      bytes: Buffer.from(padded.toString(alphabet).slice(from, whole)),
    }))
  })
}

function unique(forms: readonly Form[]): Form[] {
  return [...new Map(forms.map((form) => [form.bytes.toString('hex'), form])).values()]
}
