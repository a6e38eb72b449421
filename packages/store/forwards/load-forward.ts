import type { ForwardStatus } from '@ngome/contracts'
import type { ForwardDestinationId, ForwardId, Tenant } from '@ngome/kernel'
import type { Database } from '../database.ts'
import { inTenant } from '../transaction.ts'
import { toForwardDestinationRow, type ForwardDestinationRow } from './destination-row.ts'

/** All that the dispatcher needs of a forward before it opens anything. */
export type SealedForwardRow = {
  readonly id: ForwardId
  readonly tenant: Tenant
  readonly status: ForwardStatus
  /** Gone when it ended. */
  readonly sealed: Uint8Array | null
  /** The sealed data key, as the gateway wrote it. */
  readonly dataKey: Uint8Array
  readonly destinationId: ForwardDestinationId
  /** `null`: the operator took it back. */
  readonly destination: ForwardDestinationRow | null
  readonly createdAtMs: number
  readonly sentAtMs: number | null
}

/** For the dispatcher alone, whose role may read what is sealed. @throws Fault `store/unavailable` */
export async function loadForward(db: Database, tenant: Tenant, id: ForwardId): Promise<SealedForwardRow | undefined> {
  return inTenant(db, tenant, async (tx) => {
    const row = await tx.selectFrom('forwards as f')
      .innerJoin('data_keys as d', (join) => join
        .onRef('d.merchant', '=', 'f.merchant').onRef('d.world', '=', 'f.world').onRef('d.id', '=', 'f.data_key'))
      .select(['f.status', 'f.sealed', 'f.destination', 'f.created_at', 'f.sent_at', 'd.sealed as data_key_sealed'])
      .where('f.merchant', '=', tenant.merchant).where('f.world', '=', tenant.world).where('f.id', '=', id)
      .executeTakeFirst()
    if (row === undefined) return undefined
    const destination = await tx.selectFrom('forward_destinations').selectAll()
      .where('merchant', '=', tenant.merchant).where('world', '=', tenant.world).where('id', '=', row.destination)
      .executeTakeFirst()
    return {
      id, tenant, status: row.status, sealed: row.sealed, dataKey: row.data_key_sealed, destinationId: row.destination,
      destination: destination === undefined ? null : toForwardDestinationRow(tenant, destination),
      createdAtMs: row.created_at.getTime(), sentAtMs: row.sent_at?.getTime() ?? null,
    }
  })
}
