import { createHash, createHmac } from 'node:crypto'
import { blindOnce } from '@ngome/envelope'
import { lengthPrefixed, Secret, toBase64Url } from '@ngome/kernel'

/** One way in which a fingerprint could follow from a value, by what a thief has. */
export type Construction = { readonly name: string; readonly of: (value: string) => string }

const fingerprintBytes = 16

/** What the vault keeps of an index. It has no key: whoever has the index has the fingerprint. */
export function fingerprintOfIndex(index: Uint8Array): string {
  const digest = createHash('sha256').update(lengthPrefixed('ngome/vault-fingerprint/v1', index)).digest()
  return `fpr_${toBase64Url(digest.subarray(0, fingerprintBytes))}`
}

/** The custodian's half, under whatever key a thief tries. */
export function indexUnder(key: Uint8Array, blinded: Uint8Array): Uint8Array {
  return createHmac('sha256', key).update(lengthPrefixed('ngome/blind-index/v1', blinded)).digest()
}

/**
 * Every construction that a thief of the gateway can try: digests without a key, the gateway's half alone under each
 * secret that he has, and the whole formula with each of them in the place of the merchant's index key.
 */
export function thiefsConstructions(
  secrets: readonly { readonly name: string; readonly value: Uint8Array }[], outer: Uint8Array,
): readonly Construction[] {
  const outerKey = new Secret(outer)
  return [
    { name: 'a digest', of: (value) => fingerprintOfIndex(createHash('sha256').update(value).digest()) },
    { name: 'the value itself', of: (value) => fingerprintOfIndex(Buffer.from(value)) },
    ...secrets.flatMap(({ name, value: secret }): readonly Construction[] => {
      const key = new Secret(secret)
      return [
        { name: `one half under ${name}`, of: (value) => fingerprintOfIndex(blindOnce(key, value)) },
        { name: `both halves under ${name}`, of: (value) => fingerprintOfIndex(indexUnder(secret, blindOnce(outerKey, value))) },
      ]
    }),
  ]
}

/**
 * Tries numbers of a prefix one after the other.
 * @param prefix what stands before the seven digits, with the kind of value as the vault indexes it
 * @returns what was found: number and construction
 */
export function guessNumbers({ prefix, from, count, fingerprints, constructions }: {
  readonly prefix: string
  readonly from: number
  readonly count: number
  readonly fingerprints: ReadonlySet<string>
  readonly constructions: readonly Construction[]
}): readonly string[] {
  const found: string[] = []
  for (let at = from; at < from + count; at++) {
    const value = prefix + String(at % guessesMax).padStart(7, '0')
    for (const { name, of } of constructions) if (fingerprints.has(of(value))) found.push(`${value} by ${name}`)
  }
  return found
}

/** Numbers of a prefix: seven digits. */
export const guessesMax = 10_000_000
