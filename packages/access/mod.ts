export { addressMatcher, canonicalAddressRange } from './address-ranges.ts'
export { apiKeyDigest, newApiKey, parseApiKey, type NewApiKey, type ParsedApiKey } from './api-key.ts'
export { isProvenApiKey, keyProofBytes, signApiKey, type KeptApiKey } from './key-proof.ts'
export { networkOf } from './network-of.ts'
export { originLengthMax, parseOrigin, type Origin } from './origin.ts'
export {
  defaultKeySettings, keySettingsBytes, keySettingsJson, noCaps, parseKeySettings, type ApiKeyCaps, type ApiKeySettings,
} from './key-settings.ts'
export { scopes, type Scope } from './scopes.ts'
export { apiKeyVerifier } from './verifier.ts'
