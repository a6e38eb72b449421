import type { WebhookHoldReason } from '@ngome/contracts'
import type { Tenant } from '@ngome/kernel'
import { areWebhookTerms, encryptToMerchant, joseType } from '@ngome/signatures'
import type { Delivery } from '@ngome/store'
import type { Dispatcher } from '../dispatcher.ts'
import { findEncryptionKey, type FindingKeys } from './find-encryption-key.ts'

/** What goes out to an endpoint, or why nothing may. */
export type WebhookMessage =
  | { readonly kind: 'ready'; readonly contentType: string; readonly body: Uint8Array }
  | { readonly kind: 'held'; readonly because: WebhookHoldReason }

/**
 * Makes what an endpoint is sent, by what its merchant stated and the gateway proved: the event as it is, or encrypted to the
 * merchant's newest key, of which the custodian's statement is checked here. Nothing that was to be encrypted ever goes in clear.
 * @throws Fault `custodian/unavailable`, `store/unavailable`
 */
export async function prepareMessage(
  dispatcher: FindingKeys & Pick<Dispatcher, 'callbacks'>, tenant: Tenant,
  endpoint: NonNullable<Delivery['endpoint']>, event: Uint8Array,
): Promise<WebhookMessage> {
  const { id, url, encryption, eventTypes } = endpoint
  if (!areWebhookTerms(dispatcher.callbacks.secret, { id, tenant, url, encryption, eventTypes }, endpoint.termsProof)) return { kind: 'held', because: 'terms_unproven' }
  if (encryption === 'none') return { kind: 'ready', contentType: 'application/json', body: event }
  const key = await findEncryptionKey(dispatcher, tenant)
  if (key === undefined) return { kind: 'held', because: 'encryption_key_missing' }
  return { kind: 'ready', contentType: joseType, body: Buffer.from(await encryptToMerchant(key, event), 'latin1') }
}
