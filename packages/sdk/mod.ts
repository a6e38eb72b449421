export type * from './api/answers.ts'
export type * from './api/checkout-answers.ts'
export type * from './api/payout-answers.ts'
export type * from './api/report-answers.ts'
export type * from './api/webhook-answers.ts'
export type * from './api/requests.ts'
export type { OperationName, Operations } from './api/operations.ts'
export { routes, type Route } from './api/routes.ts'
export type { World } from './api-key.ts'
export type { CallInput, CallOptions } from './caller.ts'
export { decryptJwe } from './decrypt-jwe.ts'
export {
  AbortedError, AnswerError, AuthenticationError, ConfigurationError, ConflictError, ConnectionError, DecryptionError, IdempotencyError,
  NgomeError, NotFoundError, PeerError, PermissionError, RateLimitError, ServerError, SignatureError, TimeoutError, ValidationError,
  type FieldError,
} from './errors.ts'
export { Ngome } from './ngome.ts'
export type { AttemptReport, NgomeOptions } from './options.ts'
export type { Pages } from './pages.ts'
export type { PrivateKey } from './private-key.ts'
export { SigningKey, type SigningKeyParts } from './signing-key.ts'
export { verifyWebhook, type Webhook, type WebhookEvent, type WebhookHeaders, type WebhookOptions } from './verify-webhook.ts'
export type { BatchProgress, BatchToSend, SendOptions } from './resources/payout-batches.ts'
