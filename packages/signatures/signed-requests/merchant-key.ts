import { createHash, sign, verify, type KeyObject } from 'node:crypto'
import { lengthPrefixed, type MerchantSigningKeyId, type Tenant } from '@ngome/kernel'
import { messageAlgorithmOf, parsePublicKey, verifyBytes, type MessageAlgorithm } from '../http-messages/algorithms.ts'
import type { StatedSignature } from './read-signature.ts'

/** What a merchant's key is for: its requests, or what is sent to it. */
export const merchantKeyUses = ['sign', 'encrypt'] as const
export type MerchantKeyUse = (typeof merchantKeyUses)[number]

/** A merchant's public key, as the custodian states it. */
export type MerchantKey = {
  readonly id: MerchantSigningKeyId
  readonly tenant: Tenant
  readonly algorithm: MessageAlgorithm
  /** DER, SubjectPublicKeyInfo. */
  readonly spki: Uint8Array
  /** In the order of {@link merchantKeyUses}. */
  readonly uses: readonly MerchantKeyUse[]
  readonly expiresAtMs: number
}

declare const proven: unique symbol
/** A key that the custodian signed, strong enough, whose time is not over; only {@link proveMerchantKey} makes one. */
export type ProvenMerchantKey = MerchantKey & { readonly publicKey: KeyObject; readonly [proven]: true }

/** Separates these statements from all others that the custodian signs. */
const label = 'ngome/merchant-signing-key/v1'

/** @returns the custodian's Ed25519 signature over every field, 64 bytes */
export function signMerchantKey(key: MerchantKey, privateKey: KeyObject): Uint8Array {
  return sign(null, statementOf(key), privateKey)
}

/**
 * Holds a row against the custodian's signature and looks at the key once more: whoever owns the tables can write a row, and
 * cannot sign one.
 * @returns `undefined` where a field is not what was signed, the key is weak, or its time is over
 */
export function proveMerchantKey(key: MerchantKey, proof: Uint8Array, statementKey: KeyObject, nowMs: number): ProvenMerchantKey | undefined {
  if (key.expiresAtMs <= nowMs || !verify(null, statementOf(key), statementKey, proof)) return undefined
  const publicKey = parsePublicKey(key.spki)
  const isFit = publicKey !== undefined && key.uses.every((use) => messageAlgorithmOf(publicKey, use) === key.algorithm)
  return isFit ? { ...key, publicKey } as ProvenMerchantKey : undefined
}

/** Whether a signature is that of this key, by the key's algorithm; what the message says of it must agree. */
export async function isSignedBy(key: ProvenMerchantKey, { algorithm, base, signature }: StatedSignature): Promise<boolean> {
  if (!key.uses.includes('sign') || (algorithm !== undefined && algorithm !== key.algorithm)) return false
  return verifyBytes(key.algorithm, key.publicKey, base, signature)
}

function statementOf({ id, tenant, algorithm, spki, uses, expiresAtMs }: MerchantKey): Uint8Array {
  const sha256 = createHash('sha256').update(spki).digest()
  return lengthPrefixed(label, tenant.merchant, tenant.world, id, algorithm, sha256, uses.join(','), expiresAtMs)
}
