import type { ObjectEventType, WebhookEncryption } from '@ngome/contracts'
import { Fault, type Secret, type Tenant, type WebhookEndpointId } from '@ngome/kernel'
import { proveWebhookTerms, type ProvenMerchantKey } from '@ngome/signatures'
import { checkAddress } from './check-address.ts'

export type StateTermsPorts = {
  /** `host:port` that the operator allows by name although private or plain HTTP. */
  readonly allowedAddresses: readonly string[]
  /** Shared with the dispatcher, which takes no endpoint without the proof. */
  readonly termsSecret: Secret<Uint8Array>
  readonly findEncryptionKey: (tenant: Tenant) => Promise<ProvenMerchantKey | undefined>
}

export type StatedTerms = {
  readonly url: string
  readonly encryption: WebhookEncryption
  readonly eventTypes: readonly ObjectEventType[] | null
  readonly termsProof: Uint8Array
}

/**
 * Takes what a merchant states of an endpoint, and proves it to the dispatcher.
 * @throws Fault `webhooks/address_refused`, `webhooks/encryption_key_missing`, `store/unavailable`
 */
export async function stateTerms(
  { allowedAddresses, termsSecret, findEncryptionKey }: StateTermsPorts, tenant: Tenant, id: WebhookEndpointId,
  stated: { readonly url: string; readonly encryption: WebhookEncryption; readonly event_types: readonly ObjectEventType[] | null },
): Promise<StatedTerms> {
  const terms = { id, tenant, url: checkAddress(stated.url, allowedAddresses), encryption: stated.encryption, eventTypes: stated.event_types }
  // The dispatcher looks again at each delivery; this answer only saves the merchant from learning it from webhooks that wait.
  if (terms.encryption === 'required' && await findEncryptionKey(tenant) === undefined) {
    throw new Fault('webhooks/encryption_key_missing', `${tenant.merchant} has no key to encrypt to`, {
      fields: [{ pointer: '/encryption', detail: 'There is no valid key of use encrypt to encrypt to.' }],
    })
  }
  return { url: terms.url, encryption: terms.encryption, eventTypes: terms.eventTypes, termsProof: proveWebhookTerms(termsSecret, terms) }
}
