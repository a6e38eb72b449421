import { createHmac } from 'node:crypto'
import type { Secret } from '@ngome/kernel'

/** A message as Standard Webhooks signs it; `body` is the exact bytes that are sent. */
export type WebhookMessage = { readonly id: string; readonly timestampS: number; readonly body: Uint8Array }

export type WebhookHeaders = {
  readonly 'webhook-id': string
  readonly 'webhook-timestamp': string
  readonly 'webhook-signature': string
}

/** An id stands before a full stop in what is signed, so it must not hold one. */
const idPattern = /^[A-Za-z0-9_-]{1,128}$/

/**
 * The three headers of a signed webhook (Standard Webhooks, symmetric scheme v1: HMAC-SHA-256 over
 * `id.timestamp.body`). Written on node:crypto rather than with the reference library, whose HMAC is JavaScript and
 * whose bodies are text; the library is the oracle of the tests.
 *
 * @param secrets the newest first; more than one while a receiver is being given another ("Multiple signatures")
 * @throws RangeError for an id or a timestamp that could be read in two ways, and without a secret
 */
export function signWebhook(secrets: readonly Secret<Uint8Array>[], message: WebhookMessage): WebhookHeaders {
  if (secrets.length === 0) throw new RangeError('a webhook that nobody signs')
  if (!idPattern.test(message.id)) throw new RangeError('a webhook id of other characters than letters, digits, _ and -')
  if (!Number.isSafeInteger(message.timestampS) || message.timestampS < 0) throw new RangeError('a timestamp is whole seconds')
  return {
    'webhook-id': message.id,
    'webhook-timestamp': String(message.timestampS),
    'webhook-signature': secrets.map((secret) => `v1,${signatureOf(secret, message).toString('base64')}`).join(' '),
  }
}

export function signatureOf(secret: Secret<Uint8Array>, message: WebhookMessage): Buffer {
  return secret.expose((key) => createHmac('sha256', key)
    .update(`${message.id}.${message.timestampS}.`, 'utf8')
    .update(message.body)
    .digest())
}
