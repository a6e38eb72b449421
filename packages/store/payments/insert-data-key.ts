import type { RetentionClass } from '@ngome/contracts'
import type { DataKeyId, Tenant } from '@ngome/kernel'
import type { Database } from '../database.ts'
import { pipelined } from '../pipeline.ts'

export type DataKeyRow = {
  readonly id: DataKeyId
  readonly tenant: Tenant
  readonly retention: RetentionClass
  /** Sealed to the merchant key and signed by the gateway: what the custodian opens. */
  readonly sealed: Uint8Array
  readonly createdAtMs: number
}

/**
 * Keeps a sealed data key. Before it is kept, nothing that it encrypts may be: the database refuses records whose data
 * key it does not hold. Inserting the same key again does nothing.
 * @throws Fault `store/unavailable`
 */
export async function insertDataKey(db: Database, key: DataKeyRow): Promise<void> {
  await pipelined(db, key.tenant, [{
    name: 'insert_data_key',
    text: `INSERT INTO ngome.data_keys (id, merchant, world, retention, sealed, created_at)
      VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING`,
    values: [key.id, key.tenant.merchant, key.tenant.world, key.retention, key.sealed, new Date(key.createdAtMs)],
  }])
}
