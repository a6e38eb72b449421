import { apiKeyDigest, apiKeyVerifier, parseApiKey, type ParsedApiKey } from '@ngome/access'
import { equalsInConstantTime, type ApiKeyId, type MerchantId, type Secret } from '@ngome/kernel'
import type { ProvenApiKey } from './prove-api-key.ts'

/** The peppers by version, and one of them for rows that do not exist. */
type KnownPeppers = {
  get(version: number): Secret<Uint8Array> | undefined
  readonly some: Secret<Uint8Array>
}

/** Stands for a row that does not exist, so that its check costs what a real one costs. */
const nobody: Pick<ProvenApiKey, 'id' | 'tenant' | 'verifier'> = {
  id: 'key_00000000000000000000000000' as ApiKeyId,
  tenant: { merchant: 'mer_00000000000000000000000000' as MerchantId, world: 'test' },
  verifier: new Uint8Array(32),
}

/** A text that is no key, as a key of nobody's: it is checked like one, so that its form takes no time of its own. */
export function keyOfNobody(text: string): ParsedApiKey {
  return { id: nobody.id, world: 'test', kind: 'secret', digest: apiKeyDigest(text) }
}

/** The key that a text is, or one of nobody's. */
export function keyIn(text: string): { readonly key: ParsedApiKey; readonly isKey: boolean } {
  const key = parseApiKey(text)
  return key === undefined ? { key: keyOfNobody(text), isKey: false } : { key, isKey: true }
}

/**
 * Whether a key is the one that a row is of. The work is the same for a right key, a wrong one, one that there is not and a
 * text that is none: one HMAC and one comparison in constant time (`npm run bench -- keys` measures it).
 */
export function verifiesKey(key: ParsedApiKey, row: ProvenApiKey | undefined, peppers: KnownPeppers): boolean {
  const { tenant, verifier } = row ?? nobody
  const pepper = row === undefined ? peppers.some : peppers.get(row.pepperVersion)
  const expected = apiKeyVerifier(pepper ?? peppers.some, { ...key, tenant })
  return equalsInConstantTime(expected, verifier) && pepper !== undefined && row !== undefined
}
