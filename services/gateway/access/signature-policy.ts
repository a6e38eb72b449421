import type { OperationName } from '../api/operations.ts'

/**
 * Which operations an API key alone is not enough for, once its merchant has a key to sign with: those that say where news of
 * money goes and who may prove that it is ours. Who stole an API key would begin there: a webhook sent to him, or signed
 * with a secret that he was just shown, or none at all, makes the merchant deliver goods for nothing.
 */
const required: ReadonlySet<OperationName> = new Set<OperationName>([
  'createWebhookEndpoint', 'changeWebhookEndpoint', 'replaceWebhookSecret', 'deleteWebhookEndpoint', 'enableWebhookEndpoint',
])

/**
 * A key that makes or ends others is worth a merchant, and what is paid out is gone: without a signature nobody does that, also where
 * no key to sign with is. The signature of what goes out is sealed with it, and the dispatcher proves it again (ADR 35).
 */
const always: ReadonlySet<OperationName> = new Set<OperationName>([
  'createApiKey', 'rollApiKey', 'revokeApiKey', 'createPayout', 'createRefund',
  'cancelPayout', 'cancelRefund', 'approvePayout', 'refusePayout', 'createPayoutBatch', 'addPayouts', 'cancelPayoutBatch', 'approvePayoutBatch', 'refusePayoutBatch',
])

/** Who found a key can end it, whatever that key was held to. */
const never: ReadonlySet<OperationName> = new Set<OperationName>(['revokeThisApiKey'])

export type SignaturePolicy = 'always' | 'required' | 'optional' | 'never'

export function signaturePolicyOf(operation: OperationName): SignaturePolicy {
  if (always.has(operation)) return 'always'
  if (never.has(operation)) return 'never'
  return required.has(operation) ? 'required' : 'optional'
}
