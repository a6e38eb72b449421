import { parseApiKey, type ParsedApiKey } from './api-key.ts'

/** Every key has the same length: prefix (14), id (26), `_`, secret (43), checksum (6). */
export const apiKeyLength = 90
/** As `docs/secret-scanning/` has it for other scanners; what matches is a key only with its checksum. */
export const apiKeyPattern = /ngome_[sp]k_(?:test|live)_[0-7][0-9a-hjkmnp-tv-z]{25}_[A-Za-z0-9_-]{43}[0-9A-Za-z]{6}/

export type FoundApiKey = Omit<ParsedApiKey, 'digest'> & { readonly at: number }

/** Finds keys in a text, wherever in a line or a longer word they stand. The checksum leaves no false alarm but 1 in 2^32. */
export function findApiKeys(text: string): readonly FoundApiKey[] {
  const found: FoundApiKey[] = []
  const pattern = new RegExp(apiKeyPattern, 'g')
  for (let match = pattern.exec(text); match !== null; match = pattern.exec(text)) {
    const key = parseApiKey(match[0])
    // What only looks like one may have a true one within it.
    if (key === undefined) pattern.lastIndex = match.index + 1
    else found.push({ id: key.id, world: key.world, kind: key.kind, at: match.index })
  }
  return found
}
