// Generated from the OpenAPI document by `npm run generate:sdk`; a test holds it to the document.
import type { OperationName } from './operations.ts'

/** How an operation is called. `isKeyed`: under an `Idempotency-Key`; `cost`: tokens that it takes of each limit. */
export type Route = { readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE'; readonly path: string; readonly isKeyed: boolean; readonly cost: number }

export const routes: Readonly<Record<OperationName, Route>> = {
  cancelCheckoutSession: { method: 'POST', path: '/v1/checkout_sessions/{id}/cancel', isKeyed: false, cost: 5 },
  changeWebhookEndpoint: { method: 'PUT', path: '/v1/webhook_endpoints/{id}', isKeyed: false, cost: 10 },
  createApiKey: { method: 'POST', path: '/v1/api_keys', isKeyed: true, cost: 20 },
  createCheckoutSession: { method: 'POST', path: '/v1/checkout_sessions', isKeyed: true, cost: 5 },
  createForward: { method: 'POST', path: '/v1/forward', isKeyed: true, cost: 20 },
  createPayment: { method: 'POST', path: '/v1/payments', isKeyed: true, cost: 5 },
  createVaultToken: { method: 'POST', path: '/v1/vault/tokens', isKeyed: true, cost: 5 },
  createVaultTokens: { method: 'POST', path: '/v1/vault/tokens/batch', isKeyed: true, cost: 50 },
  createWebhookEndpoint: { method: 'POST', path: '/v1/webhook_endpoints', isKeyed: true, cost: 10 },
  deleteVaultToken: { method: 'DELETE', path: '/v1/vault/tokens/{id}', isKeyed: false, cost: 5 },
  deleteWebhookEndpoint: { method: 'DELETE', path: '/v1/webhook_endpoints/{id}', isKeyed: false, cost: 5 },
  exportRequests: { method: 'GET', path: '/v1/requests/export', isKeyed: false, cost: 50 },
  getApiKey: { method: 'GET', path: '/v1/api_keys/{id}', isKeyed: false, cost: 1 },
  getCheckoutSession: { method: 'GET', path: '/v1/checkout_sessions/{id}', isKeyed: false, cost: 1 },
  getForward: { method: 'GET', path: '/v1/forwards/{id}', isKeyed: false, cost: 1 },
  getLimits: { method: 'GET', path: '/v1/limits', isKeyed: false, cost: 1 },
  getPayment: { method: 'GET', path: '/v1/payments/{id}', isKeyed: false, cost: 1 },
  getVaultToken: { method: 'GET', path: '/v1/vault/tokens/{id}', isKeyed: false, cost: 1 },
  listAlerts: { method: 'GET', path: '/v1/alerts', isKeyed: false, cost: 2 },
  listApiKeys: { method: 'GET', path: '/v1/api_keys', isKeyed: false, cost: 3 },
  listBalances: { method: 'GET', path: '/v1/balances', isKeyed: false, cost: 2 },
  listPayments: { method: 'GET', path: '/v1/payments', isKeyed: false, cost: 3 },
  listRequests: { method: 'GET', path: '/v1/requests', isKeyed: false, cost: 5 },
  listUsage: { method: 'GET', path: '/v1/usage', isKeyed: false, cost: 10 },
  listVaultKeys: { method: 'GET', path: '/v1/vault/keys', isKeyed: false, cost: 1 },
  listVaultTokens: { method: 'GET', path: '/v1/vault/tokens', isKeyed: false, cost: 3 },
  listWebhookDeliveries: { method: 'GET', path: '/v1/webhook_endpoints/{id}/deliveries', isKeyed: false, cost: 3 },
  listWebhookEndpoints: { method: 'GET', path: '/v1/webhook_endpoints', isKeyed: false, cost: 2 },
  replaceWebhookSecret: { method: 'POST', path: '/v1/webhook_endpoints/{id}/secret', isKeyed: true, cost: 10 },
  revokeApiKey: { method: 'POST', path: '/v1/api_keys/{id}/revoke', isKeyed: false, cost: 5 },
  revokeThisApiKey: { method: 'POST', path: '/v1/api_keys/self/revoke', isKeyed: false, cost: 5 },
  rollApiKey: { method: 'POST', path: '/v1/api_keys/{id}/roll', isKeyed: true, cost: 20 },
}
