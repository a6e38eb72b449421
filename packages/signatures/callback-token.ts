import { createHmac } from 'node:crypto'
import {
  equalsInConstantTime, lengthPrefixed, parseBase64Url, parseId, parseLengthPrefixed, parsePaymentId, toBase64Url, worlds,
  type PaymentId, type Secret, type Tenant,
} from '@ngome/kernel'

/** Separates these MACs from every other use of a secret. */
const label = 'ngome/callback/v1'
const macBytes = 32
/** A token is 108 bytes: 76 that say whose payment it is, and the MAC. */
const tokenCharactersMax = 160

/** The unguessable end of a payment's callback address; only who holds the secret can make or read one. */
export function callbackToken(secret: Secret<Uint8Array>, tenant: Tenant, payment: PaymentId): string {
  const subject = lengthPrefixed(tenant.merchant, tenant.world, payment)
  return toBase64Url(Buffer.concat([subject, macOf(secret, subject)]))
}

/**
 * Reads a token, so that a forged one costs a MAC and never reaches the database.
 * @returns whose payment it names, or `undefined` where it is not a token of ours
 */
export function parseCallbackToken(
  secret: Secret<Uint8Array>, text: string,
): { readonly tenant: Tenant; readonly payment: PaymentId } | undefined {
  const bytes = text.length > tokenCharactersMax ? undefined : parseBase64Url(text)
  if (bytes === undefined || bytes.length <= macBytes) return undefined
  const subject = bytes.subarray(0, -macBytes)
  if (!equalsInConstantTime(macOf(secret, subject), bytes.subarray(-macBytes))) return undefined
  return parseSubject(subject)
}

function parseSubject(subject: Uint8Array): { tenant: Tenant; payment: PaymentId } | undefined {
  const fields = parseLengthPrefixed(subject)?.map((field) => Buffer.from(field).toString('utf8'))
  if (fields?.length !== 3) return undefined
  const [merchantText = '', worldText, paymentText = ''] = fields
  const merchant = parseId('merchant', merchantText)
  const world = worlds.find((name) => name === worldText)
  const payment = parsePaymentId(paymentText)
  if (merchant === undefined || world === undefined || payment === undefined) return undefined
  return { tenant: { merchant, world }, payment }
}

function macOf(secret: Secret<Uint8Array>, subject: Uint8Array): Buffer {
  return secret.expose((key) => createHmac('sha256', key).update(label, 'utf8').update(subject).digest())
}
