import canonicalize from 'canonicalize'

/**
 * Writes a JSON value in its one canonical form (RFC 8785), so that equal values are equal bytes.
 * @throws TypeError for what has no JSON form
 */
export function canonicalJson(value: unknown): string {
  const text = canonicalize(value)
  if (text === undefined) throw new TypeError('a value without a JSON form')
  return text
}
