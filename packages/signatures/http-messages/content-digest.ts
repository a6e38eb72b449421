import { createHash, hash } from 'node:crypto'
import { equalsInConstantTime } from '@ngome/kernel'
import { parseDictionary } from '../structured-fields/parse-structured.ts'
import { serializeDictionary } from '../structured-fields/serialize-structured.ts'
import { isInnerList } from '../structured-fields/values.ts'

/** RFC 9530 §5: those that withstand an attacker. The registry's others are insecure. */
export const digestAlgorithms = ['sha-256', 'sha-512'] as const
export type DigestAlgorithm = (typeof digestAlgorithms)[number]
const hashes: Readonly<Record<string, string>> = { 'sha-256': 'sha256', 'sha-512': 'sha512' }

/** The `Content-Digest` of these bytes (RFC 9530 §2). */
export function contentDigest(content: Uint8Array, algorithm: DigestAlgorithm = 'sha-256'): string {
  return `${algorithm}=:${createHash(hashes[algorithm] ?? algorithm).update(content).digest('base64')}:`
}

/**
 * Whether a `Content-Digest` is that of these bytes: in its canonical form, one algorithm or more, none but those above, and
 * every one right.
 */
export function isContentDigest(value: string, content: Uint8Array): boolean {
  // What nearly everybody sends, without the parser; a digest of what the sender wrote himself is no secret.
  if (value === `sha-256=:${hash('sha256', content, 'base64')}:`) return true
  // What nearly everybody sends; the digest of what came along is no secret.
  if (value === contentDigest(content)) return true
  const digests = parseDictionary([value])
  if (digests === undefined || digests.size === 0 || serializeDictionary(digests) !== value) return false
  return Array.from(digests).every(([algorithm, member]) => {
    const hash = hashes[algorithm]
    if (hash === undefined || isInnerList(member) || member.value.type !== 'binary' || member.parameters.size > 0) return false
    return equalsInConstantTime(createHash(hash).update(content).digest(), member.value.value)
  })
}
