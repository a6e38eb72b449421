export { addressMatcher, canonicalAddressRange } from './address-ranges.ts'
export { apiKeyLength, apiKeyPattern, findApiKeys, type FoundApiKey } from './find-api-keys.ts'
export {
  apiKeyDigest, apiKeyDigestText, apiKeyHint, newApiKey, parseApiKey, readApiKey, withAnotherSecret, type NewApiKey, type ParsedApiKey,
} from './api-key.ts'
export { isProvenApiKey, keyProofBytes, signApiKey, type KeptApiKey } from './key-proof.ts'
export { networkOf } from './network-of.ts'
export { originLengthMax, parseOrigin, type Origin } from './origin.ts'
export { keyReminders, type KeyReminders } from './key-reminders.ts'
export {
  defaultKeySettings, keySettingsBytes, keySettingsJson, noCaps, parseKeySettings, successorSettings, type ApiKeyCaps, type ApiKeySettings,
} from './key-settings.ts'
export { readOwnKeyRequest, type OwnKeyPolicy, type OwnKeyReading } from './own-key-settings.ts'
export { BucketBlock, Places } from './limits/bucket-block.ts'
export { rateLimitField, rateLimitPolicyField, windowS, type LimitState } from './limits/fields.ts'
export { IdleTable } from './limits/idle-table.ts'
export { LeasedMeter } from './limits/leased-meter.ts'
export { OwnMeter, spendAll, type Meter } from './limits/meter.ts'
export { burstMax, nano, paceOf, ratePerSMax, shareOf, type Limit, type Pace } from './limits/pace.ts'
export { payFromLeases, settleDebts, takeInto } from './limits/pay-from-leases.ts'
export { TokenBucket } from './limits/token-bucket.ts'
export type { Grant, TokenStore, Want } from './limits/token-store.ts'
export { scopes, type Scope } from '@ngome/contracts'
export { apiKeyVerifier, apiKeyVerifierText } from './verifier.ts'
