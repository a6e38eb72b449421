import type { PaymentId, Tenant } from '@ngome/kernel'
import type { Database } from '../database.ts'
import { guarded } from '../store-fault.ts'

/** A payment as nobody can read it: for the operator, who shows it to people where the custodian opens it. */
export type SealedPaymentRow = {
  readonly tenant: Tenant
  readonly sealed: Uint8Array
  /** The sealed data key, as the gateway wrote it. */
  readonly dataKey: Uint8Array
}

/** @throws Fault `store/unavailable` */
export async function findSealedPayment(db: Database, id: PaymentId): Promise<SealedPaymentRow | undefined> {
  const { rows: [row] } = await guarded(() => db.pool.query<Tenant & { sealed: Uint8Array; data_key: Uint8Array }>({
    name: 'find_sealed_payment',
    text: 'SELECT merchant, world, sealed, data_key FROM ngome.find_sealed_payment($1)',
    values: [id],
  }))
  return row && { tenant: { merchant: row.merchant, world: row.world }, sealed: row.sealed, dataKey: row.data_key }
}
