export { callbackToken, parseCallbackToken } from './callback-token.ts'
export { signWebhook, type WebhookHeaders, type WebhookMessage } from './sign-webhook.ts'
export { verifyWebhook, webhookToleranceS, type VerifiedWebhook } from './verify-webhook.ts'
export { newWebhookSecret, parseWebhookSecret } from './webhook-secret.ts'
