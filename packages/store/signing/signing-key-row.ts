import type { SigningKeyAlgorithm, SigningKeyUse } from '@ngome/contracts'
import type { MerchantSigningKeyId, Tenant } from '@ngome/kernel'

/** A merchant's public key as the table has it: nobody's word until its proof is held against it. */
export type SigningKeyRow = {
  readonly id: MerchantSigningKeyId
  readonly tenant: Tenant
  readonly algorithm: SigningKeyAlgorithm
  /** DER, SubjectPublicKeyInfo. */
  readonly spki: Uint8Array
  readonly uses: readonly SigningKeyUse[]
  /** The custodian's signature over the rest. */
  readonly proof: Uint8Array
  readonly createdAtMs: number
  readonly expiresAtMs: number
  readonly isRevoked: boolean
}

export type SigningKeyColumns = {
  readonly id: MerchantSigningKeyId
  readonly algorithm: SigningKeyAlgorithm
  readonly spki: Uint8Array
  readonly uses: readonly SigningKeyUse[]
  readonly proof: Uint8Array
  readonly created_at: Date
  readonly expires_at: Date
  readonly revoked_at: Date | null
}

export const signingKeyColumns = 'id, algorithm, spki, uses, proof, created_at, expires_at, revoked_at'

export function toSigningKeyRow(tenant: Tenant, row: SigningKeyColumns): SigningKeyRow {
  return {
    id: row.id, tenant, algorithm: row.algorithm, spki: row.spki, uses: row.uses, proof: row.proof,
    createdAtMs: row.created_at.getTime(), expiresAtMs: row.expires_at.getTime(), isRevoked: row.revoked_at !== null,
  }
}
