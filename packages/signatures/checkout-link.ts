import { createHash, createHmac } from 'node:crypto'
import {
  equalsInConstantTime, lengthPrefixed, parseBase64Url, Secret, toBase64Url, type CheckoutSessionId, type Random, type Tenant,
} from '@ngome/kernel'
import { decryptBlob, encryptBlob } from './encrypted-blob.ts'

/** Separate what is made here from every other use of the secret, and from each other. */
const labels = {
  mark: 'ngome/checkout-link/v1', hash: 'ngome/checkout-link-hash/v1', key: 'ngome/checkout-details-key/v1', details: 'ngome/checkout-details/v1',
} as const
/** 192 bits that nobody guesses. */
const randomBytes = 24
/** What tells a link of ours from an invented one before anybody looks into the database; it is not what protects a session. */
const markBytes = 12
const characters = (randomBytes + markBytes) * 4 / 3
/** For schemas and routes. */
export const checkoutTokenPattern = new RegExp(`^[A-Za-z0-9_-]{${characters}}$`)

/** A link's token, with what we keep of it and what it opens. */
export type CheckoutLink = {
  readonly token: Secret<string>
  /** SHA-256, 32 bytes: all that is kept. */
  readonly hash: Uint8Array
  /** Opens what the page says; it follows from the token alone. */
  readonly key: Secret<Uint8Array>
}

/** Makes a link for a new session. */
export function newCheckoutLink(secret: Secret<Uint8Array>, random: Random): CheckoutLink {
  const unguessable = random.bytes(randomBytes)
  return linkOf(Buffer.concat([unguessable, markOf(secret, unguessable)]))
}

/**
 * Reads a token, so that an invented one costs a MAC and never reaches the database.
 * @returns `undefined` where it is not a token of ours; whether there is such a session is not said
 */
export function parseCheckoutLink(secret: Secret<Uint8Array>, text: string): CheckoutLink | undefined {
  const bytes = checkoutTokenPattern.test(text) ? parseBase64Url(text) : undefined
  if (bytes === undefined) return undefined
  const unguessable = bytes.subarray(0, randomBytes)
  return equalsInConstantTime(markOf(secret, unguessable), bytes.subarray(randomBytes)) ? linkOf(bytes) : undefined
}

/** Encrypts what a session's page says under its link; nobody without the link reads it, we neither. */
export function encryptCheckoutDetails(link: CheckoutLink, of: { readonly tenant: Tenant; readonly id: CheckoutSessionId }, details: Uint8Array, random: Random): Uint8Array {
  const blob = encryptBlob(link.key, contextOf(of), details, random)
  if (blob === undefined) throw new TypeError('a link without its key')
  return blob
}

/** @returns `undefined` where it is not what this session's page says */
export function decryptCheckoutDetails(link: CheckoutLink, of: { readonly tenant: Tenant; readonly id: CheckoutSessionId }, blob: Uint8Array): Uint8Array | undefined {
  return decryptBlob(link.key, contextOf(of), blob)
}

function linkOf(bytes: Uint8Array): CheckoutLink {
  return {
    token: new Secret(toBase64Url(bytes)),
    hash: createHash('sha256').update(lengthPrefixed(labels.hash, bytes)).digest(),
    key: new Secret(createHmac('sha256', bytes).update(labels.key).digest()),
  }
}

function markOf(secret: Secret<Uint8Array>, unguessable: Uint8Array): Uint8Array {
  return secret.expose((key) => createHmac('sha256', key).update(lengthPrefixed(labels.mark, unguessable)).digest()).subarray(0, markBytes)
}

function contextOf({ tenant: { merchant, world }, id }: { readonly tenant: Tenant; readonly id: CheckoutSessionId }): Uint8Array {
  return lengthPrefixed(labels.details, merchant, world, id)
}
