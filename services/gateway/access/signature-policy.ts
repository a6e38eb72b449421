import type { OperationName } from '../api/operations.ts'

/**
 * Which operations an API key alone is not enough for, once its merchant has a key to sign with: those that say where news of
 * money goes and who may prove that it is ours. Who stole an API key would begin there: a webhook sent to him, or signed
 * with a secret that he was just shown, or none at all, makes the merchant deliver goods for nothing. Payouts and changes
 * of keys join as they come.
 */
const required: ReadonlySet<OperationName> = new Set<OperationName>([
  'createWebhookEndpoint', 'changeWebhookEndpoint', 'replaceWebhookSecret', 'deleteWebhookEndpoint',
])

export function signaturePolicyOf(operation: OperationName): 'required' | 'optional' {
  return required.has(operation) ? 'required' : 'optional'
}
