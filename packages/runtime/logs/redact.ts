import { Fault, idPrefixes, Secret } from '@ngome/kernel'

export const redacted = '[redacted]'
/** How deep an object is followed; a log line is not a data dump. */
const depthMax = 6
/** Members of one object or list that are written. */
const membersMax = 64
/** Characters of one text that are written: enough for a stack, not for a body. */
const textLengthMax = 8192
/** Errors behind one error that are followed. */
const causesMax = 8

/** Names, without case and separators, whose values are never written. */
const secretName = new RegExp([
  'authorization', 'secret', 'token', 'password', 'passphrase', 'passwd', 'credential', 'cookie', 'pepper', 'apikey',
  'privatekey', 'keymaterial', 'key$', 'phone', 'msisdn', 'payer', 'subscriptionkey', 'email', '^pin$', '^otp$', '^pan$',
  'cardnumber', 'plaintext', 'verifier', 'digest$',
].join('|'))
/** An id may stand where a secret may not: it opens nothing. */
const idPattern = new RegExp(`^(?:${Object.values(idPrefixes).join('|')})_[0-7][0-9a-hjkmnp-tv-z]{25}$`)

/** What is a secret wherever it stands, also in the serialised line. */
const secretValues: readonly RegExp[] = [
  // Up to a quotation mark at most, so that in a serialised line the rest of the line stands.
  /-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----[^"]*?(?:-----END [A-Z0-9 ]*PRIVATE KEY-----|(?=")|$)/g,
  /ngome_[sp]k_(?:test|live)_[A-Za-z0-9_-]*/g,
  /whsec_[A-Za-z0-9+/=_-]*/g,
  // A token that begins as base64url of `{"`: JSON Web Tokens (RFC 7519) and enrolment tokens.
  /eyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]{8,}){1,4}/g,
  /\b(?:Bearer|Basic) +[A-Za-z0-9._~+/=-]{4,}/gi,
  // E.164 with its plus sign, also grouped by spaces, dots or hyphens as people write it.
  /\+[1-9](?:[ .-]?[0-9]){6,14}/g,
]
/** The user and password of an address (RFC 3986 §3.2.1). */
const userInfo = /(\b[a-z][a-z0-9+.-]*:\/\/)[^\s/@"\\]+@/gi
/** A number of a length that only phone and card numbers have, as MTN writes them: without a plus sign. */
const bareNumber = /(?<![A-Za-z0-9_.+:-])[1-9][0-9]{8,18}(?![A-Za-z0-9_])/g

/** Removes what is recognisable as a secret anywhere; safe on a serialised JSON line. */
export function redactLine(line: string): string {
  let clean = line
  for (const pattern of secretValues) clean = clean.replace(pattern, redacted)
  return clean.replace(userInfo, `$1${redacted}@`)
}

/** Removes what is recognisable as a secret in a text that a person or a library wrote. */
export function redactText(text: string): string {
  const short = text.length > textLengthMax ? `${text.slice(0, textLengthMax)}…` : text
  return redactLine(short).replace(bareNumber, redacted)
}

/** A copy of any value that may be logged: secrets by name, by type and by form are gone, and its size is bounded. */
export function redact(value: unknown, depth = 0): unknown {
  switch (typeof value) {
    case 'string': return redactText(value)
    case 'bigint': return value.toString()
    case 'function': return '[function]'
    case 'symbol': return redactText(value.toString())
    case 'object': return value === null ? null : redactObject(value, depth)
    default: return value
  }
}

function redactObject(value: object, depth: number): unknown {
  if (value instanceof Secret) return '[secret]'
  if (value instanceof Error) return redactError(value)
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return `[${value.byteLength} bytes]`
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'Invalid Date' : value.toISOString()
  if (value instanceof URL) return redactText(value.href)
  if (depth >= depthMax) return '[deeper]'
  if (Array.isArray(value)) return value.slice(0, membersMax).map((member) => redact(member, depth + 1))
  if (value instanceof Map) return redactMembers([...value].map(([key, member]) => [String(key), member]), depth)
  if (value instanceof Set) return [...value].slice(0, membersMax).map((member) => redact(member, depth + 1))
  return redactMembers(Object.entries(value), depth)
}

function redactMembers(members: readonly (readonly [string, unknown])[], depth: number): Record<string, unknown> {
  const clean: Record<string, unknown> = {}
  for (const [name, member] of members.slice(0, membersMax)) {
    clean[redactText(name)] = isSecretName(name) && !isHarmless(member) ? redacted : redact(member, depth + 1)
  }
  return clean
}

function isSecretName(name: string): boolean {
  return secretName.test(name.toLowerCase().replace(/[^a-z0-9]/g, ''))
}

function isHarmless(value: unknown): boolean {
  return value === null || value === undefined || typeof value === 'boolean'
    || (typeof value === 'string' && idPattern.test(value))
}

/** An error with its chain of causes: type, code, message and stack, and no other property of it. */
function redactError(error: Error, seen = 0): Record<string, unknown> {
  const code = 'code' in error && typeof error.code === 'string' ? { code: redactText(error.code) } : {}
  const fields = error instanceof Fault && error.fields.length > 0 ? { fields: redact(error.fields) } : {}
  const cause = error.cause === undefined || seen >= causesMax ? {} : {
    cause: error.cause instanceof Error ? redactError(error.cause, seen + 1) : redact(error.cause, 1),
  }
  return {
    type: redactText(error.name), ...code, message: redactText(error.message), ...fields,
    stack: redactText(error.stack ?? ''), ...cause,
  }
}
