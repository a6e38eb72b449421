import type { ApiKeyId, DataKeyId, PaymentId, Tenant } from '@ngome/kernel'
import type { Database } from '../database.ts'
import { toPaymentRow, type PaymentRow } from '../payments/find-payment.ts'
import type { AttemptState } from '../tables.ts'
import { inTenantPrepared } from '../transaction.ts'

export type Attempt = {
  readonly reference: string
  /** How often it was taken in hand. */
  readonly fence: number
  /** How often a sending began; that is no more often than it was taken in hand, and mostly less. */
  readonly sendings: number
  readonly state: AttemptState
  readonly preparedAtMs: number
  readonly sentAtMs: number | null
  /** When the network was first seen to have it; `null` while that is not known. */
  readonly takenAtMs: number | null
  /** The network's own name for what succeeded, where it gave one. */
  readonly networkReference: string | null
  /** Proves the columns as they were compared with what was sealed. */
  readonly factsProof: Uint8Array | null
  readonly isStuck: boolean
}

/** All that the dispatcher needs to work on a payment. */
export type DispatchablePayment = PaymentRow & {
  readonly apiKey: ApiKeyId
  readonly sealed: Uint8Array
  readonly dataKey: { readonly id: DataKeyId; readonly sealed: Uint8Array; readonly createdAtMs: number }
  readonly attempt: Attempt | null
}

/** @throws Fault `store/unavailable` */
export async function loadPaymentForDispatch(
  db: Database,
  tenant: Tenant,
  id: PaymentId,
): Promise<DispatchablePayment | undefined> {
  const row = await inTenantPrepared(db, tenant, (tx) => tx.selectFrom('payments as p')
    .innerJoin('data_keys as d', (join) => join
      .onRef('d.merchant', '=', 'p.merchant').onRef('d.world', '=', 'p.world').onRef('d.id', '=', 'p.data_key'))
    .leftJoin('attempts as a', (join) => join
      .onRef('a.merchant', '=', 'p.merchant').onRef('a.world', '=', 'p.world').onRef('a.payment', '=', 'p.id'))
    .select(['p.id', 'p.merchant', 'p.world', 'p.status', 'p.failure', 'p.direction', 'p.network', 'p.currency', 'p.amount_minor', 'p.fee_minor', 'p.reference',
      'p.payer_masked', 'p.original', 'p.created_at', 'p.updated_at', 'p.api_key', 'p.sealed', 'p.data_key'])
    .select(['d.sealed as data_key_sealed', 'd.created_at as data_key_created_at'])
    .select(['a.reference as attempt_reference', 'a.fence', 'a.sendings', 'a.state', 'a.prepared_at', 'a.sent_at', 'a.taken_at', 'a.network_reference', 'a.facts_proof',
      'a.stuck_at'])
    .where('p.merchant', '=', tenant.merchant).where('p.world', '=', tenant.world).where('p.id', '=', id)
    .executeTakeFirst())
  if (row === undefined) return undefined
  return {
    ...toPaymentRow(row),
    apiKey: row.api_key,
    sealed: row.sealed,
    dataKey: { id: row.data_key, sealed: row.data_key_sealed, createdAtMs: row.data_key_created_at.getTime() },
    attempt: row.attempt_reference === null || row.fence === null || row.sendings === null || row.state === null || row.prepared_at === null
      ? null
      : {
          reference: row.attempt_reference,
          fence: row.fence,
          sendings: row.sendings,
          state: row.state,
          preparedAtMs: row.prepared_at.getTime(),
          sentAtMs: row.sent_at?.getTime() ?? null,
          takenAtMs: row.taken_at?.getTime() ?? null,
          networkReference: row.network_reference,
          factsProof: row.facts_proof,
          isStuck: row.stuck_at !== null,
        },
  }
}
