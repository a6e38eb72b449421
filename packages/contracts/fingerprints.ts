/** Index keys that one merchant may have had. */
export const indexGenerationsMax = 999

/** A fingerprint's text: `fpr_` of the merchant's first index key, `fpr2_` of the second, and so on. */
export const fingerprintPattern = /^fpr([2-9]|[1-9][0-9]{1,2})?_([A-Za-z0-9_-]{22})$/

/** What fingerprints of an index key begin with. Only those of one beginning say whether two values are the same. */
export function fingerprintPrefix(generation: number): string {
  if (!Number.isInteger(generation) || generation < 1 || generation > indexGenerationsMax) throw new RangeError('no such generation')
  return generation === 1 ? 'fpr_' : `fpr${generation}_`
}

/** @returns the generation and what follows it, base64url */
export function parseFingerprint(text: string): { readonly generation: number; readonly digest: string } | undefined {
  const [, generation, digest] = fingerprintPattern.exec(text) ?? []
  return digest === undefined ? undefined : { generation: generation === undefined ? 1 : Number(generation), digest }
}
