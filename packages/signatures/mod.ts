export { callbackToken, parseCallbackToken } from './callback-token.ts'
export {
  checkoutTokenPattern, decryptCheckoutDetails, encryptCheckoutDetails, newCheckoutLink, parseCheckoutLink, type CheckoutLink,
} from './checkout-link.ts'
export { decryptForwardAnswer, encryptForwardAnswer, forwardAnswerKey } from './forward-answer.ts'
export { proveDestination, signDestination, type ForwardDestination, type ProvenDestination } from './forward-destination.ts'
export { signWebhook, type WebhookHeaders, type WebhookMessage } from './sign-webhook.ts'
export { verifyWebhook, webhookToleranceS, type VerifiedWebhook } from './verify-webhook.ts'
export { newWebhookSecret, parseWebhookSecret } from './webhook-secret.ts'
export { areWebhookTerms, proveWebhookTerms, type WebhookTerms } from './webhook-terms.ts'
export { chooseEncryptionKey, encryptionKeys, type MerchantKeyRow } from './encryption/choose-encryption-key.ts'
export { encryptToMerchant, joseType } from './encryption/encrypt-to-merchant.ts'
export { contentDigest, isContentDigest } from './http-messages/content-digest.ts'
export { messageAlgorithmOf, messageAlgorithms, parsePublicKey, type MessageAlgorithm } from './http-messages/algorithms.ts'
export { authorityOf, type HttpMessage } from './http-messages/message.ts'
export {
  isSignedBy, merchantKeyUses, proveMerchantKey, signMerchantKey, type MerchantKey, type MerchantKeyUse, type ProvenMerchantKey,
} from './signed-requests/merchant-key.ts'
export { signatureHeaders, signatureToleranceS } from './signed-requests/profile.ts'
export { readSignature, type SignatureReading, type StatedSignature } from './signed-requests/read-signature.ts'
export { signRequest, type RequestSigner, type RequestToSign, type SignedHeaders } from './signed-requests/sign-request.ts'
export { acceptSignature, answerSignatureHeaders, askForSignature, readAcceptSignature } from './signed-answers/answer-profile.ts'
export { signAnswer, type AnswerKey, type AnswerToSign } from './signed-answers/sign-answer.ts'
export { isAnswerSigned, type AnswerToVerify, type ExpectedAnswer } from './signed-answers/verify-answer.ts'
