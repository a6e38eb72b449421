import { sign, verify, type KeyObject } from 'node:crypto'
import { equalsInConstantTime, lengthPrefixed, type ApiKeyId, type Tenant } from '@ngome/kernel'
import { defaultKeySettings, keySettingsBytes, type ApiKeySettings } from './key-settings.ts'
import type { Scope } from '@ngome/contracts'

/** What the database keeps of an API key, as the custodian made it. */
export type KeptApiKey = {
  readonly id: ApiKeyId
  readonly tenant: Tenant
  /** Which pepper the verifier was made under. */
  readonly pepperVersion: number
  /** What `apiKeyVerifier` gave, 32 bytes. */
  readonly verifier: Uint8Array
  /** What the key may do. */
  readonly settings: ApiKeySettings
}

/** First byte of a proof: which fields it is over. */
const format = 2
/** From before keys had settings. Nobody makes it any more. */
const formatWithoutSettings = 1
/** Separates these statements from all others that the custodian signs. */
const label = 'ngome/kept-api-key/v2'
const labelWithoutSettings = 'ngome/kept-api-key/v1'
const signatureBytes = 64
export const keyProofBytes = 1 + signatureBytes

/** What keys of the first format may do, and nothing else: the migration that brought settings wrote the same. */
const settingsOfFirstFormat = keySettingsBytes({
  ...defaultKeySettings(),
  scopes: new Set<Scope>([
    'forwards:read', 'forwards:write', 'keys:read', 'keys:write', 'payments:read', 'payments:write', 'usage:read',
    'vault:read', 'vault:seal', 'vault:write', 'webhooks:read', 'webhooks:write',
  ]),
})

/** @returns format (1 byte) ‖ the custodian's Ed25519 signature over every field (64) */
export function signApiKey(key: KeptApiKey, privateKey: KeyObject): Uint8Array {
  return Buffer.concat([Uint8Array.of(format), sign(null, statementOf(key), privateKey)])
}

/**
 * Holds a row against the custodian's signature: whoever writes in the database can plant a row, and cannot sign one.
 * @returns whether every field is what was signed
 */
export function isProvenApiKey(key: KeptApiKey, proof: Uint8Array, statementKey: KeyObject): boolean {
  if (proof.length !== keyProofBytes) return false
  const statement = statementIn(key, proof[0])
  return statement !== undefined && verify(null, statement, statementKey, proof.subarray(1))
}

function statementIn(key: KeptApiKey, givenFormat: number | undefined): Uint8Array | undefined {
  if (givenFormat === format) return statementOf(key)
  const isOfFirst = givenFormat === formatWithoutSettings && equalsInConstantTime(settingsOfFirstFormat, keySettingsBytes(key.settings))
  return isOfFirst ? lengthPrefixed(labelWithoutSettings, ...fieldsOf(key)) : undefined
}

function statementOf(key: KeptApiKey): Uint8Array {
  return lengthPrefixed(label, ...fieldsOf(key), keySettingsBytes(key.settings))
}

function fieldsOf({ id, tenant, pepperVersion, verifier }: KeptApiKey): readonly (string | number | Uint8Array)[] {
  return [id, tenant.merchant, tenant.world, pepperVersion, verifier]
}
