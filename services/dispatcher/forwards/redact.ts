import type { Secret } from '@ngome/kernel'

const mark = '[redacted]'
/** Shorter cores of an encoded value would match by chance all over a text. */
const coreLengthMin = 4
/** Between the digits of a number that people wrote in groups. */
const separators = '[^0-9A-Za-z]{0,3}'
const digitsMin = 6

/** Removes every form of the values that a server would write them in. */
export function redact(text: string, values: Iterable<Secret<string>>): string {
  let redacted = text
  for (const value of values) redacted = value.expose((plain) => redacted.replace(patternOf(plain), mark))
  return redacted
}

function patternOf(value: string): RegExp {
  const bytes = Buffer.from(value, 'utf8')
  const literals = new Set([
    value, JSON.stringify(value).slice(1, -1), JSON.stringify(value).slice(1, -1).replaceAll('/', '\\/'),
    encodeURIComponent(value), encodeURIComponent(value).replaceAll('%20', '+'), percentAll(bytes), htmlText(value),
  ])
  const forms = [...literals].map(escapeText)
  forms.push([...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('[ :-]?'))
  for (const core of base64Cores(bytes)) forms.push(escapeText(core).replaceAll(/\\\+|-/g, '[+-]').replaceAll(/\\\/|\/|_/g, '[/_]'))
  const digits = value.replaceAll(/[^0-9]/g, '')
  if (digits.length >= digitsMin && digits.length * 2 > value.length) forms.push(digits.split('').join(separators))
  return new RegExp(forms.toSorted((a, b) => b.length - a.length).join('|'), 'gi')
}

/**
 * What base64 makes of bytes within other bytes: for each of the three places that they may begin at in a group, the
 * characters that no neighbour changes.
 */
function base64Cores(bytes: Uint8Array): readonly string[] {
  const cores = [0, 1, 2].map((before) => {
    const text = Buffer.concat([Buffer.alloc(before), bytes]).toString('base64').replaceAll('=', '')
    const whole = Math.floor((before + bytes.length) * 8 / 6)
    return text.slice(Math.ceil(before * 8 / 6), whole)
  })
  return cores.filter((core) => core.length >= coreLengthMin)
}

function percentAll(bytes: Uint8Array): string {
  return [...bytes].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('')
}

function htmlText(value: string): string {
  return value.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
}

function escapeText(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\/]/g, '\\$&')
}
