import type { KeyObject } from 'node:crypto'
import type { DataKeyId, Tenant } from '@ngome/kernel'
import type { SuiteName } from './suites.ts'

/** A key that seals the records of one tenant and retention class for a while; only the gateway and the custodian hold it. */
export type DataKey = {
  readonly id: DataKeyId
  /** Of the merchant key that it is sealed to; its records say the same. */
  readonly suite: SuiteName
  /** The key itself, sealed to the merchant key and signed: what the database keeps. */
  readonly sealed: Uint8Array
  readonly key: KeyObject
  readonly tenant: Tenant
  readonly retention: string
  readonly createdAtMs: number
}
