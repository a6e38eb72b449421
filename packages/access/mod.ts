export { apiKeyDigest, newApiKey, parseApiKey, type NewApiKey, type ParsedApiKey } from './api-key.ts'
export { apiKeyVerifier } from './verifier.ts'
