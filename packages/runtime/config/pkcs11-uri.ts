/** Where a root key lies in a token, as RFC 7512 writes it. Every value is percent-decoded. */
export type Pkcs11Uri = {
  /** CKA_LABEL of the key. */
  readonly object: string
  /** CKA_ID of the key, in hexadecimal digits; `undefined` where the label alone finds it. */
  readonly id: string | undefined
  /** Label of the token. */
  readonly token: string | undefined
  readonly serial: string | undefined
  readonly manufacturer: string | undefined
  readonly model: string | undefined
  /** The module that speaks for the token: absolute path of a shared library. */
  readonly modulePath: string
  /** Absolute path of the file that holds the PIN. */
  readonly pinSource: string
}

export type ParsedPkcs11Uri =
  | { readonly ok: true; readonly uri: Pkcs11Uri }
  | { readonly ok: false; readonly message: string }

const scheme = 'pkcs11:'
/** A path twice as long as Linux knows, and a few labels. */
const charactersMax = 8192
/** Bytes of the fixed fields in CK_TOKEN_INFO (PKCS#11 §3.2); a longer value matches no token. */
const bytesMax: Readonly<Record<string, number>> = {
  token: 32, manufacturer: 32, model: 16, serial: 16, object: 255, id: 64, type: 32, 'module-path': 4096, 'pin-source': 4096,
}
/** RFC 7512 §2.3: pk11-pchar with `&` in the path; pk11-qchar with `/?|` in the query. */
const pathCharacters = /^(?:[A-Za-z0-9\-._~:[\]@!$'()*+,=&]|%[0-9A-Fa-f]{2})+$/
const queryCharacters = /^(?:[A-Za-z0-9\-._~:[\]@!$'()*+,=/?|]|%[0-9A-Fa-f]{2})+$/
const pathNames = new Set(['token', 'manufacturer', 'serial', 'model', 'object', 'id', 'type'])
const queryNames = new Set(['module-path', 'pin-source'])
/** What RFC 7512 knows and we refuse, each with what to write instead. */
const refusedNames: Readonly<Record<string, string>> = {
  'pin-value': 'must not carry pin-value: put the PIN alone into a file and name it, pin-source=file:/path',
  'slot-id': 'must not name a slot: slots are renumbered; name the token by token= or serial=',
  'slot-description': 'must not name a slot: name the token by token= or serial=',
  'slot-manufacturer': 'must not name a slot: name the token by token= or serial=',
  'module-name': 'must say module-path, an absolute path: a name is searched for, and finds what somebody put there',
}

/**
 * Parses the URI of a root key in a token. Strict: an attribute that is unknown, repeated or empty is a problem.
 * @returns what is wrong, in words that say what to write; no value of the text is repeated, since it may hold a PIN
 */
export function parsePkcs11Uri(text: string): ParsedPkcs11Uri {
  if (!text.startsWith(scheme) || text.length > charactersMax) return refused('must be a pkcs11: URI of RFC 7512')
  const [path = '', query = '', ...rest] = splitAtQuery(text.slice(scheme.length))
  if (rest.length > 0) return refused('must have one question mark before its query')
  const values = new Map<string, Buffer>()
  const problem = collect(values, path.split(';'), pathNames, pathCharacters)
    ?? collect(values, query === '' ? [] : query.split('&'), queryNames, queryCharacters)
  return problem === undefined ? assemble(values) : refused(problem)
}

/** A question mark may stand in a value of the query, so only the first one divides. */
function splitAtQuery(text: string): readonly string[] {
  const at = text.indexOf('?')
  return at === -1 ? [text] : [text.slice(0, at), text.slice(at + 1)]
}

function collect(
  values: Map<string, Buffer>, parts: readonly string[], known: ReadonlySet<string>, characters: RegExp,
): string | undefined {
  for (const part of parts) {
    const at = part.indexOf('=')
    const name = at === -1 ? part : part.slice(0, at)
    const value = at === -1 ? '' : part.slice(at + 1)
    if (Object.hasOwn(refusedNames, name)) return refusedNames[name]
    // The name is not repeated either: where somebody forgot a separator it holds the value.
    if (!known.has(name)) return `has an attribute that is not known here; known are ${[...known].join(', ')}`
    if (values.has(name)) return `must say ${name} once`
    if (!characters.test(value)) return `must give ${name} a value, with other characters percent-encoded`
    const bytes = percentDecode(value)
    if (bytes.length > (bytesMax[name] ?? 0)) return `must give ${name} at most ${bytesMax[name]} bytes`
    values.set(name, bytes)
  }
  return undefined
}

function percentDecode(value: string): Buffer {
  const bytes: number[] = []
  for (let at = 0; at < value.length; at++) {
    const isEncoded = value[at] === '%'
    bytes.push(isEncoded ? Number.parseInt(value.slice(at + 1, at + 3), 16) : value.charCodeAt(at))
    if (isEncoded) at += 2
  }
  return Buffer.from(bytes)
}

function assemble(values: ReadonlyMap<string, Buffer>): ParsedPkcs11Uri {
  const texts = new Map<string, string>()
  for (const [name, bytes] of values) {
    if (name === 'id') continue
    const text = utf8(bytes)
    if (text === undefined) return refused(`must give ${name} in UTF-8 without control characters`)
    texts.set(name, text)
  }
  const object = texts.get('object')
  const modulePath = texts.get('module-path')
  const pinSource = texts.get('pin-source')?.replace(/^file:(?:\/\/(?=\/))?/, '')
  if (object === undefined) return refused('must name the key, object=')
  if (!texts.has('token') && !texts.has('serial')) return refused('must name the token by token= or serial=')
  if ((texts.get('type') ?? 'secret-key') !== 'secret-key') return refused('must be of type=secret-key')
  if (modulePath?.startsWith('/') !== true) return refused('must say module-path= with an absolute path')
  if (pinSource?.startsWith('/') !== true) return refused('must say pin-source=file: with an absolute path')
  return { ok: true, uri: {
    object, modulePath, pinSource, id: values.get('id')?.toString('hex'), token: texts.get('token'),
    serial: texts.get('serial'), manufacturer: texts.get('manufacturer'), model: texts.get('model'),
  } }
}

function utf8(bytes: Buffer): string | undefined {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
    return /\p{Cc}/u.test(text) ? undefined : text
  } catch {
    return undefined
  }
}

function refused(message: string): ParsedPkcs11Uri {
  return { ok: false, message }
}

/** Writes the URI that {@link parsePkcs11Uri} reads. */
export function formatPkcs11Uri(uri: Pkcs11Uri): string {
  const encoded = (text: string): string => encodeURIComponent(text)
  const path = (['token', 'manufacturer', 'serial', 'model', 'object'] as const).flatMap((name) => {
    const value = uri[name]
    return value === undefined ? [] : [`${name}=${encoded(value)}`]
  })
  const id = uri.id === undefined ? [] : [`id=${uri.id.replace(/../g, '%$&')}`]
  const query = `module-path=${encoded(uri.modulePath)}&pin-source=file:${encoded(uri.pinSource)}`
  return `${scheme}${[...path, ...id].join(';')}?${query}`
}
