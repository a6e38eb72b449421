import { sign, verify, type KeyObject } from 'node:crypto'
import { lengthPrefixed, type ApiKeyId, type Tenant } from '@ngome/kernel'

/** What the database keeps of an API key, as the custodian made it. */
export type KeptApiKey = {
  readonly id: ApiKeyId
  readonly tenant: Tenant
  /** Which pepper the verifier was made under. */
  readonly pepperVersion: number
  /** What `apiKeyVerifier` gave, 32 bytes. */
  readonly verifier: Uint8Array
}

/** First byte of a proof: which fields it is over. Scopes, caps and ends will come with a second format. */
const format = 1
/** Separates these statements from all others that the custodian signs. */
const label = 'ngome/kept-api-key/v1'
const signatureBytes = 64
export const keyProofBytes = 1 + signatureBytes

/** @returns format (1 byte) ‖ the custodian's Ed25519 signature over every field (64) */
export function signApiKey(key: KeptApiKey, privateKey: KeyObject): Uint8Array {
  return Buffer.concat([Uint8Array.of(format), sign(null, statementOf(key), privateKey)])
}

/**
 * Holds a row against the custodian's signature: whoever writes in the database can plant a row, and cannot sign one.
 * @returns whether every field is what was signed
 */
export function isProvenApiKey(key: KeptApiKey, proof: Uint8Array, statementKey: KeyObject): boolean {
  return proof.length === keyProofBytes && proof[0] === format && verify(null, statementOf(key), statementKey, proof.subarray(1))
}

function statementOf({ id, tenant, pepperVersion, verifier }: KeptApiKey): Uint8Array {
  return lengthPrefixed(label, id, tenant.merchant, tenant.world, pepperVersion, verifier)
}
