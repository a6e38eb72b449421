import { ambientClock } from './ambient.ts'
import { concat, fromUtf8, parseBase64, utf8, type Bytes } from './bytes.ts'
import { decryptJwe } from './decrypt-jwe.ts'
import { DecryptionError, misconfigured, SignatureError } from './errors.ts'
import type { PrivateKey } from './private-key.ts'

/** As servers give them: a `Headers`, or names in lower case with values. */
export type WebhookHeaders = Headers | Readonly<Record<string, string | readonly string[] | undefined>>

export type WebhookOptions = {
  /** How far its time may lie from this machine's clock, seconds; 300 where left out. */
  readonly toleranceS?: number | undefined
  /**
   * The private keys of an endpoint whose encryption is `required`: two while one takes over from another. With any, only what was
   * encrypted to one of them is taken: what came in clear is refused, whatever its headers say.
   */
  readonly decryptWith?: PrivateKey | readonly PrivateKey[] | undefined
  /** This machine's clock, milliseconds since 1970; for tests. */
  readonly nowMs?: number | undefined
}

/** A webhook that the platform signed. `id` is the same each time that one event is delivered. */
export type Webhook = {
  readonly id: string
  readonly sentAt: Date
  /** As it came, or decrypted. */
  readonly body: Uint8Array
  /** The body as JSON; `undefined` where it is something else, such as an event that is encrypted still. */
  readonly event: WebhookEvent | undefined
}

/** `id` and `sequence` as `events.list` has them: what has a higher `sequence` of the same object is newer. */
export type WebhookEvent = {
  readonly id?: string
  readonly type: string
  readonly timestamp?: string
  readonly sequence?: number
  readonly data: Readonly<Record<string, unknown>>
}

const toleranceSDefault = 300
/** Signatures that one header may list; a secret being replaced needs two. */
const signaturesMax = 8
/** Each is tried, at the cost of an RSA operation. */
const decryptionKeysMax = 4
const secretPrefix = 'whsec_'
const secretBytesMin = 24
const secretBytesMax = 64
const bodyBytesMax = 1_048_576

/**
 * Checks a webhook (Standard Webhooks, symmetric scheme): signed with one of the secrets, and now.
 * @param body the exact bytes that came: a body that was parsed and written again has other bytes
 * @param secrets `whsec_…`; two while one is being replaced
 * @throws SignatureError the same, whatever was wrong
 * @throws DecryptionError where it is signed, and not encrypted to a key of `decryptWith`
 * @throws ConfigurationError for a secret or a key that is none, or a body that was parsed already
 */
export async function verifyWebhook(
  body: Uint8Array | string, headers: WebhookHeaders, secrets: string | readonly string[], options: WebhookOptions = {},
): Promise<Webhook> {
  if (typeof body !== 'string' && !(body instanceof Uint8Array)) throw misconfigured('verifyWebhook takes the raw body, not a parsed one')
  const bytes = typeof body === 'string' ? utf8(body) : body
  const keys = await Promise.all([secrets].flat().map(importSecret))
  if (keys.length === 0) throw misconfigured('verifyWebhook takes at least one secret')
  const [id, timestamp, listed] = ['webhook-id', 'webhook-timestamp', 'webhook-signature'].map((name) => headerOf(headers, name))
  const isWell = id !== undefined && /^[A-Za-z0-9_-]{1,128}$/.test(id) && timestamp !== undefined &&
    /^(0|[1-9][0-9]{0,14})$/.test(timestamp) && listed !== undefined && bytes.length <= bodyBytesMax
  if (!isWell) throw refused()
  const nowS = (options.nowMs ?? ambientClock.nowMs()) / 1_000
  const isNow = Math.abs(nowS - Number(timestamp)) <= (options.toleranceS ?? toleranceSDefault)
  const signatures = listed.split(' ').slice(0, signaturesMax).flatMap((text) => (text.startsWith('v1,') ? parseBase64(text.slice(3)) ?? [] : []))
  const signed = concat(utf8(`${id}.${timestamp}.`), bytes)
  // Web Cryptography compares in constant time; all are tried, so that time does not tell which one fitted.
  const results = await Promise.all(keys.flatMap((key) => signatures.map((one) => crypto.subtle.verify('HMAC', key, one, signed))))
  if (!isNow || !results.includes(true)) throw refused()
  const content = options.decryptWith === undefined ? bytes : await decrypt(bytes, [options.decryptWith].flat())
  return { id, sentAt: new Date(Number(timestamp) * 1_000), body: content, event: eventOf(content) }
}

/** By whichever key it takes: what the message says of its key is not asked. */
async function decrypt(bytes: Uint8Array, keys: readonly PrivateKey[]): Promise<Uint8Array> {
  if (keys.length === 0 || keys.length > decryptionKeysMax) throw misconfigured(`decryptWith takes 1 to ${decryptionKeysMax} keys`)
  const compact = new TextDecoder().decode(bytes)
  let refusal: unknown
  for (const key of keys) {
    try {
      return await decryptJwe(compact, key)
    } catch (error) {
      if (!(error instanceof DecryptionError)) throw error
      refusal = error
    }
  }
  throw refusal
}

function refused(): SignatureError {
  return new SignatureError({ code: 'sdk/webhook_refused', message: 'the webhook is not signed by the platform, or not now' })
}

async function importSecret(text: string): Promise<CryptoKey> {
  const secret: Bytes | undefined = text.startsWith(secretPrefix) ? parseBase64(text.slice(secretPrefix.length)) : undefined
  if (secret === undefined || secret.length < secretBytesMin || secret.length > secretBytesMax) {
    throw misconfigured('this is not a webhook secret: it begins with whsec_ and was copied whole')
  }
  return crypto.subtle.importKey('raw', secret, { name: 'HMAC', hash: 'SHA-256' }, false, ['verify'])
}

/** A header that came twice is none. */
function headerOf(headers: WebhookHeaders, name: string): string | undefined {
  if (headers instanceof Headers) return headers.get(name) ?? undefined
  const { [name]: value } = headers
  return typeof value === 'string' ? value : undefined
}

function eventOf(bytes: Uint8Array): WebhookEvent | undefined {
  try {
    const event = JSON.parse(fromUtf8(bytes)) as WebhookEvent | null
    return typeof event === 'object' && typeof event?.type === 'string' ? event : undefined
  } catch {
    return undefined
  }
}
