import type { PaymentDirection } from '@ngome/contracts'
import type { Currency, PaymentId, Tenant } from '@ngome/kernel'
import type { Database } from '../database.ts'
import { guarded } from '../store-fault.ts'

/** What was sent, and of which nobody knows whether it moved. Times in milliseconds. */
export type DoubtfulPayment = {
  readonly id: PaymentId
  readonly tenant: Tenant
  readonly direction: PaymentDirection
  readonly network: string
  readonly money: { readonly amountMinor: bigint; readonly currency: Currency }
  /** By which the network knows it; never the merchant's own. `null` where a row of it is missing. */
  readonly reference: string | null
  readonly networkReference: string | null
  /** When it was first sent. */
  readonly sentAtMs: number
  /** When a dispatcher gave up finding out by itself; `null` while it has not. */
  readonly stuckAtMs: number | null
}

/**
 * Payments of all tenants that are in doubt, those that were sent first before the others, as an auditor.
 * @param db opened as `ngome_auditor`
 * @throws Fault `store/unavailable`
 */
export async function findDoubtfulPayments(db: Database, limit: number): Promise<readonly DoubtfulPayment[]> {
  const rows = await guarded(() => db.kysely.selectFrom('payments as p')
    .leftJoin('attempts as a', (join) => join
      .onRef('a.merchant', '=', 'p.merchant').onRef('a.world', '=', 'p.world').onRef('a.payment', '=', 'p.id'))
    .select(['p.id', 'p.merchant', 'p.world', 'p.direction', 'p.network', 'p.amount_minor', 'p.currency'])
    .select(['a.reference', 'a.network_reference', 'a.stuck_at'])
    .select((e) => e.fn.coalesce('a.sent_at', 'p.created_at').as('sent_at'))
    .where('p.status', '=', 'in_doubt')
    .orderBy((e) => e.fn.coalesce('a.sent_at', 'p.created_at')).orderBy('p.id').limit(limit).execute())
  return rows.map((row) => ({
    id: row.id, tenant: { merchant: row.merchant, world: row.world }, direction: row.direction, network: row.network,
    money: { amountMinor: row.amount_minor, currency: row.currency },
    reference: row.reference, networkReference: row.network_reference,
    sentAtMs: row.sent_at.getTime(), stuckAtMs: row.stuck_at?.getTime() ?? null,
  }))
}
