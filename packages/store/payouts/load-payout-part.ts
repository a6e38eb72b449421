import type { DataKeyId, PayoutBatchId, PayoutBatchPartId, Tenant } from '@ngome/kernel'
import type { Database } from '../database.ts'
import { inTenant } from '../transaction.ts'

/** A part as nobody can read it, with all that the dispatcher needs to open it. */
export type SealedPayoutPart = {
  readonly id: PayoutBatchPartId
  readonly tenant: Tenant
  readonly batch: PayoutBatchId
  readonly number: number
  readonly sealed: Uint8Array
  readonly dataKey: { readonly id: DataKeyId; readonly sealed: Uint8Array; readonly createdAtMs: number }
  readonly createdAtMs: number
}

/** @throws Fault `store/unavailable` */
export async function loadPayoutPart(db: Database, tenant: Tenant, id: PayoutBatchPartId): Promise<SealedPayoutPart | undefined> {
  const row = await inTenant(db, tenant, (tx) => tx.selectFrom('payout_batch_parts as p')
    .innerJoin('data_keys as d', (join) => join.onRef('d.merchant', '=', 'p.merchant').onRef('d.world', '=', 'p.world').onRef('d.id', '=', 'p.data_key'))
    .selectAll('p').select(['d.sealed as data_key_sealed', 'd.created_at as data_key_created_at'])
    .where('p.merchant', '=', tenant.merchant).where('p.world', '=', tenant.world).where('p.id', '=', id)
    .executeTakeFirst())
  return row && {
    id, tenant, batch: row.batch, number: row.number, sealed: row.sealed, createdAtMs: row.created_at.getTime(),
    dataKey: { id: row.data_key, sealed: row.data_key_sealed, createdAtMs: row.data_key_created_at.getTime() },
  }
}
