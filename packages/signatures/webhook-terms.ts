import { createHmac } from 'node:crypto'
import { equalsInConstantTime, lengthPrefixed, type Secret, type Tenant, type WebhookEndpointId } from '@ngome/kernel'

/** What a merchant stated of a webhook endpoint. */
export type WebhookTerms = {
  readonly id: WebhookEndpointId
  readonly tenant: Tenant
  readonly url: string
  readonly encryption: 'none' | 'required'
  /** What it is told of; `null` where its merchant did not choose. */
  readonly eventTypes: readonly string[] | null
}

/** Separate these MACs from each other use of the secret, and what chooses from what does not: neither passes for the other. */
const label = 'ngome/webhook-terms/v1'
const choosingLabel = 'ngome/webhook-terms/v2'

/**
 * Proves what a merchant stated of an endpoint: who owns the tables, and has not the secret that gateway and dispatcher share, can
 * neither send its webhooks elsewhere, nor have them sent in clear, nor keep from it what it is to be told.
 * @returns 32 bytes, HMAC-SHA-256
 */
export function proveWebhookTerms(secret: Secret<Uint8Array>, { id, tenant, url, encryption, eventTypes }: WebhookTerms): Uint8Array {
  const subject = lengthPrefixed(tenant.merchant, tenant.world, id, url, encryption, ...eventTypes ?? [])
  return secret.expose((key) => createHmac('sha256', key).update(eventTypes === null ? label : choosingLabel, 'utf8').update(subject).digest())
}

/** Whether a row says what its merchant stated, in constant time; one without a proof says nothing. */
export function areWebhookTerms(secret: Secret<Uint8Array>, terms: WebhookTerms, proof: Uint8Array | null): boolean {
  const expected = proveWebhookTerms(secret, terms)
  return proof !== null && proof.length === expected.length && equalsInConstantTime(expected, proof)
}
