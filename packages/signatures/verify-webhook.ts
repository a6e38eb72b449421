import { equalsInConstantTime, type Clock, type Secret } from '@ngome/kernel'
import { signatureOf, type WebhookHeaders, type WebhookMessage } from './sign-webhook.ts'

/** How far a webhook's timestamp may lie from the receiver's clock, both ways (Standard Webhooks' usual tolerance). */
export const webhookToleranceS = 300

/** Signatures that one header may list; a secret being rotated needs two. */
const signaturesMax = 8
const signatureBytes = 32

/** A message whose signature and time were checked; only {@link verifyWebhook} makes one. */
export type VerifiedWebhook = WebhookMessage & { readonly isVerified: true }

/**
 * Checks a webhook against the secrets that may have signed it.
 * @returns the message, or `undefined`, without a reason, where anything is wrong
 */
export function verifyWebhook(
  secrets: readonly Secret<Uint8Array>[], headers: Partial<WebhookHeaders>, body: Uint8Array, clock: Clock,
): VerifiedWebhook | undefined {
  const id = headers['webhook-id']
  const timestamp = headers['webhook-timestamp']
  const listed = headers['webhook-signature']?.split(' ')
  if (id === undefined || timestamp === undefined || listed === undefined) return undefined
  if (!/^(0|[1-9][0-9]{0,14})$/.test(timestamp) || listed.length > signaturesMax) return undefined
  const timestampS = Number(timestamp)
  if (Math.abs(Math.floor(clock.nowMs() / 1000) - timestampS) > webhookToleranceS) return undefined
  const signatures = listed.map(parseSignature).filter((signature) => signature !== undefined)
  const message: WebhookMessage = { id, timestampS, body }
  let isValid = false
  for (const secret of secrets) {
    const expected = signatureOf(secret, message)
    for (const signature of signatures) isValid = equalsInConstantTime(expected, signature) || isValid
  }
  return isValid ? { ...message, isVerified: true } : undefined
}

function parseSignature(text: string): Uint8Array | undefined {
  if (!text.startsWith('v1,')) return undefined
  const signature = Buffer.from(text.slice(3), 'base64')
  return signature.length === signatureBytes && signature.toString('base64') === text.slice(3) ? signature : undefined
}
