export { apiKeyDigest, newApiKey, parseApiKey, type NewApiKey, type ParsedApiKey } from './api-key.ts'
export { isProvenApiKey, keyProofBytes, signApiKey, type KeptApiKey } from './key-proof.ts'
export { apiKeyVerifier } from './verifier.ts'
