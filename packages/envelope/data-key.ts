import type { KeyObject } from 'node:crypto'
import type { DataKeyId, Tenant } from '@ngome/kernel'

/** A key that seals the records of one tenant and retention class for a while; only the gateway and the custodian hold it. */
export type DataKey = {
  readonly id: DataKeyId
  /** The key itself, sealed to the merchant key and signed: what the database keeps. */
  readonly sealed: Uint8Array
  readonly key: KeyObject
  readonly tenant: Tenant
  readonly retention: string
  readonly createdAtMs: number
}
