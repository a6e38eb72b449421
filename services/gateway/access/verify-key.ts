import { apiKeyVerifierText, type ParsedApiKey } from '@ngome/access'
import { textsEqualInConstantTime, toBase64Url, type MerchantId, type Secret } from '@ngome/kernel'
import type { ProvenApiKey } from './prove-api-key.ts'

/** The peppers by version, and one of them for rows that do not exist. */
type KnownPeppers = {
  get(version: number): Secret<Uint8Array> | undefined
  readonly some: Secret<Uint8Array>
}

/** Stands for a row that does not exist, so that its check costs what a real one costs. */
const nobody: Pick<ProvenApiKey, 'tenant' | 'verifierText' | 'pepperVersion'> = {
  // Versions begin at 1: it is looked for, as a row's is, and there is none.
  pepperVersion: 0,
  tenant: { merchant: 'mer_00000000000000000000000000' as MerchantId, world: 'test' },
  verifierText: toBase64Url(new Uint8Array(32)),
}

/**
 * Whether a key is the one that a row is of. The work is the same for a right key, a wrong one, one that there is not and a
 * text that is none: one HMAC and one comparison in constant time (`npm run bench -- keys` measures it).
 */
export function verifiesKey(key: ParsedApiKey, row: ProvenApiKey | undefined, peppers: KnownPeppers): boolean {
  const { tenant, verifierText, pepperVersion } = row ?? nobody
  const pepper = peppers.get(pepperVersion)
  const expected = apiKeyVerifierText(pepper ?? peppers.some, { ...key, tenant })
  return textsEqualInConstantTime(expected, verifierText) && pepper !== undefined && row !== undefined
}
