export { apiKeyDigest, newApiKey, parseApiKey, type NewApiKey, type ParsedApiKey } from './api-key.ts'
export { isProvenApiKey, keyProofBytes, signApiKey, type KeptApiKey } from './key-proof.ts'
export { scopes, type Scope } from './scopes.ts'
export { apiKeyVerifier } from './verifier.ts'
