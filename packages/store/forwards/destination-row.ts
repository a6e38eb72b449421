import type { ForwardDestinationId, Tenant } from '@ngome/kernel'

/** An allowed address as the table has it: nobody's word until its proof is held against it. */
export type ForwardDestinationRow = {
  readonly id: ForwardDestinationId
  readonly tenant: Tenant
  readonly url: string
  readonly methods: readonly string[]
  readonly certificateSha256: Uint8Array | null
  readonly authority: string | null
  /** The custodian's signature over the rest. */
  readonly proof: Uint8Array
  readonly expiresAtMs: number
}

export type ForwardDestinationColumns = {
  readonly id: ForwardDestinationId
  readonly url: string
  readonly methods: readonly string[]
  readonly certificate_sha256: Uint8Array | null
  readonly authority: string | null
  readonly proof: Uint8Array
  readonly expires_at: Date
}

export function toForwardDestinationRow(tenant: Tenant, row: ForwardDestinationColumns): ForwardDestinationRow {
  return {
    id: row.id, tenant, url: row.url, methods: row.methods, certificateSha256: row.certificate_sha256,
    authority: row.authority, proof: row.proof, expiresAtMs: row.expires_at.getTime(),
  }
}
