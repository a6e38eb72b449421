import type { SeenCertificate } from '@ngome/contracts'

/** NIST SP 800-57 part 1 §5.6.1: 128 bits of strength, for keys that are ours to choose. */
const ownRsaBitsMin = 3_072
/** CA/Browser Forum Baseline Requirements §6.1.5, for authorities' keys, which are not. */
const authorityRsaBitsMin = 2_048
const strongKeys: readonly string[] = ['prime256v1', 'secp384r1', 'secp521r1', 'ed25519']

/** @returns why a certificate's key is too weak for the public API, or `undefined` where it is not */
export function weakKey({ keyType, keyBits }: Pick<SeenCertificate, 'keyType' | 'keyBits'>, of: 'own' | 'authority'): string | undefined {
  if (strongKeys.includes(keyType)) return undefined
  if (keyType !== 'rsa' && keyType !== 'rsa-pss') return `a key of type ${keyType}`
  const bitsMin = of === 'own' ? ownRsaBitsMin : authorityRsaBitsMin
  return (keyBits ?? 0) >= bitsMin ? undefined : `RSA of ${keyBits ?? 0} bits, ${bitsMin} at least`
}

/** Whether a certificate is signed over a digest that can be made to collide, or by an algorithm without a name. */
export function isWeakSignature(algorithm: string): boolean {
  return /md[245]|sha-?1(?![0-9])|unknown/i.test(algorithm)
}
