import { hash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import type { KeyKind } from '@ngome/contracts'
import {
  newId, parseId, Secret, toBase64Url, type ApiKeyId, type Clock, type Random, type World,
} from '@ngome/kernel'

/** What of an API key may travel to the custodian: the id and a digest, never the text. */
export type ParsedApiKey = {
  readonly id: ApiKeyId
  readonly world: World
  readonly kind: KeyKind
  /** SHA-256 of the whole text, 32 bytes. */
  readonly digest: Uint8Array
}

export type NewApiKey = ParsedApiKey & { readonly text: Secret<string> }

/** 256 bits from a cryptographically secure generator: nothing to guess, so the digest needs no slow hash. */
const secretBytes = 32
/** How a key says its kind: `sk` secret, `pk` publishable. */
const letters = { secret: 'sk', publishable: 'pk' } as const satisfies Record<KeyKind, string>
/** `ngome_` ‖ `sk` or `pk` ‖ `_` ‖ world ‖ `_` ‖ key id's suffix (26) ‖ `_` ‖ secret (43, base64url) ‖ checksum (6, base 62). */
const pattern = /^ngome_(sk|pk)_(test|live)_([0-7][0-9a-hjkmnp-tv-z]{25})_[A-Za-z0-9_-]{43}([0-9A-Za-z]{6})$/
const checksumLength = 6
/** Of 32 bytes in base64url. */
const secretLength = 43

/** `ngome_sk_test_` and the first characters of the id: enough to recognise a key by, nothing to use it by. */
const hintLength = 24

/** What people know a key by. */
export function apiKeyHint(text: string): string {
  return `${text.slice(0, hintLength)}…`
}

/** Makes a key; its text exists only in the answer. */
export function newApiKey(
  from: { readonly world: World; readonly kind?: KeyKind; readonly clock: Clock; readonly random: Random },
): NewApiKey {
  const id = newId('apiKey', from)
  const { world, kind = 'secret' } = from
  const body = `ngome_${letters[kind]}_${world}_${id.slice('key_'.length)}_${toBase64Url(from.random.bytes(secretBytes))}`
  const text = body + checksum(body)
  return { id, world, kind, digest: apiKeyDigest(text), text: new Secret(text) }
}

/** A key of the same id, world and kind that opens nothing: for who tries what a gateway says to it. */
export function withAnotherSecret(key: Secret<string>, random: Random): Secret<string> {
  const body = key.expose((text) => text.slice(0, -checksumLength - secretLength)) + toBase64Url(random.bytes(secretBytes))
  return new Secret(body + checksum(body))
}

/** Who has no key: a text that is none is checked as one of his. */
const nobodysId = `key_${'0'.repeat(26)}` as ApiKeyId

/**
 * Reads a text as a key's, or as one of nobody's. The work is the same for all of them, so that what is wrong with a text takes
 * no time of its own. The checksum is no secret: it lets a scanner of leaked keys know one without asking us, and lets the
 * gateway refuse a mistyped one without a look into the database.
 * @returns the key's id, world, kind and digest, that also as `apiKeyDigestText` has it, and whether the text is a key
 */
export function readApiKey(text: string): { readonly key: ParsedApiKey; readonly digestText: string; readonly isKey: boolean } {
  const digestText = apiKeyDigestText(text)
  const digest = Buffer.from(digestText, 'base64url')
  const sum = checksum(text.slice(0, -checksumLength))
  const [, letter, world = 'test', suffix, given] = pattern.exec(text) ?? []
  const id = parseId('apiKey', `key_${suffix}`)
  const kind = letter === letters.publishable ? 'publishable' : 'secret'
  return { key: { id: id ?? nobodysId, world: world as World, kind, digest }, digestText, isKey: id !== undefined && sum === given }
}

/** @returns the key that a text is, or `undefined` where it is none */
export function parseApiKey(text: string): ParsedApiKey | undefined {
  const { key, isKey } = readApiKey(text)
  return isKey ? key : undefined
}

/** What stands for a key's text from here on: its SHA-256. 256 random bits are nothing to try out. */
export function apiKeyDigest(text: string): Uint8Array {
  return hash('sha256', text, 'buffer')
}

/**
 * The same digest as text, base64url. Made several times as fast: an array of bytes outside of JavaScript's heap costs more
 * than to hash a key.
 */
export function apiKeyDigestText(text: string): string {
  return hash('sha256', text, 'base64url')
}

const base62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

/** CRC-32 (ISO/IEC 3309) of all that precedes, as six digits of base 62, the way GitHub's tokens do it. */
function checksum(body: string): string {
  let rest = crc32(body)
  let text = ''
  for (let at = 0; at < checksumLength; at++) {
    text = base62.charAt(rest % 62) + text
    rest = Math.floor(rest / 62)
  }
  return text
}
