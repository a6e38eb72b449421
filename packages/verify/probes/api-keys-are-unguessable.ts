import { parseApiKey } from '@ngome/access'
import { parseBase64Url, type Secret } from '@ngome/kernel'
import type { Probe } from '../probe.ts'
import { fails, holds } from '../verdict.ts'

/** Issues keys as the operator does; they are revoked when the probes are done. */
export type KeyIssuer = { readonly issueKeys: (count: number) => Promise<readonly Secret<string>[]> }

const keyCount = 8
const randomBytes = 32
/**
 * Each of a byte's eight bits is one in half of the 256 bytes, give or take 8. Six times that is met by chance once in
 * 10^8 runs, and missed by any generator that repeats itself, leaves bits out, or deals in letters.
 */
const onesTolerance = 48
/** Runs of bytes that two keys may share by chance: four are met once in 10^7 runs. */
const sharedBytesMax = 4

export const apiKeysAreUnguessable: Probe<KeyIssuer> = {
  id: 'api-keys-are-unguessable',
  source: import.meta.filename,
  does: 'Issues eight API keys as the operator does. Each must carry 256 bits and a checksum that catches a typing error; the bits must be balanced, and no two keys may share a part. That the bytes come from the operating system\'s generator is held by the architecture test.',
  run: async ({ issueKeys }) => {
    const keys = await issueKeys(keyCount)
    const secrets = keys.map((key) => key.expose((text) => secretOf(text)))
    for (const [at, key] of keys.entries()) {
      if (key.expose((text) => parseApiKey(text)) === undefined) return fails(`key ${at + 1} is not of the documented form`)
      if (key.expose((text) => parseApiKey(withTypingError(text))) !== undefined) return fails('the checksum misses a typing error')
    }
    if (secrets.some((secret) => secret?.length !== randomBytes)) return fails(`a key carries fewer than ${randomBytes} bytes`)
    const bytes = Buffer.concat(secrets.filter((secret) => secret !== undefined))
    const skewed = bitOnes(bytes).findIndex((ones) => Math.abs(ones - bytes.length / 2) > onesTolerance)
    if (skewed >= 0) return fails(`bit ${skewed} of a key's bytes is not random`)
    const shared = longestShared(secrets.map((secret) => Buffer.from(secret ?? [])))
    if (shared > sharedBytesMax) return fails(`two keys share ${shared} bytes in a row`)
    return holds(`${keyCount} keys of ${randomBytes * 8} bits, all different, every bit balanced; the checksum catches a typing error`)
  },
}

/** `ngome_sk_test_<id>_<43 characters of random bytes><6 characters of checksum>` */
function secretOf(text: string): Uint8Array | undefined {
  return parseBase64Url(text.slice(-49, -6))
}

function withTypingError(text: string): string {
  const at = text.length - 20
  return text.slice(0, at) + (text[at] === 'A' ? 'B' : 'A') + text.slice(at + 1)
}

/** @returns how often each of the eight bits is one. */
function bitOnes(bytes: Uint8Array): number[] {
  return Array.from({ length: 8 }, (_, bit) => bytes.reduce((sum, byte) => sum + ((byte >> bit) & 1), 0))
}

/** @returns the length of the longest run of bytes that occurs in two of them, wherever in each. */
function longestShared(secrets: readonly Buffer[]): number {
  for (let length = randomBytes; length > 0; length--) {
    const seen = new Set<string>()
    for (const secret of secrets) {
      const own = new Set<string>()
      for (let at = 0; at + length <= secret.length; at++) own.add(secret.toString('hex', at, at + length))
      if ([...own].some((run) => seen.has(run))) return length
      for (const run of own) seen.add(run)
    }
  }
  return 0
}
