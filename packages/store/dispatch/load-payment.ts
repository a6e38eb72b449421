import type { ApiKeyId, DataKeyId, PaymentId, Tenant } from '@ngome/kernel'
import type { Database } from '../database.ts'
import { paymentColumns, toPaymentRow, type PaymentColumns, type PaymentRow } from '../payments/find-payment.ts'
import { pipelined } from '../pipeline.ts'
import type { Statement } from '../statement.ts'
import type { AttemptState } from '../tables.ts'

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
export async function loadPaymentForDispatch(db: Database, tenant: Tenant, id: PaymentId): Promise<DispatchablePayment | undefined> {
  const [payment] = await loadPaymentsForDispatch(db, tenant, [id])
  return payment
}

/** Several at once, in the order of `ids`; those that the tenant does not have are left out. @throws Fault `store/unavailable` */
export async function loadPaymentsForDispatch(db: Database, tenant: Tenant, ids: readonly PaymentId[]): Promise<readonly DispatchablePayment[]> {
  const [result] = await pipelined(db, tenant, [dispatchableStatement(tenant, ids)])
  return (result?.rows ?? []).map(toDispatchable)
}

export function dispatchableStatement(tenant: Tenant, ids: readonly PaymentId[]): Statement {
  return {
    name: 'load_payments_for_dispatch',
    // One look for each payment, in the partition that it can lie in (ADR 41).
    text: `SELECT p.*, d.sealed AS data_key_sealed, d.created_at AS data_key_created_at, a.reference AS attempt_reference, a.fence, a.sendings, a.state,
        a.prepared_at, a.sent_at, a.taken_at, a.network_reference, a.facts_proof, a.stuck_at
      FROM unnest($3::text[]) WITH ORDINALITY AS asked (id, place)
        CROSS JOIN LATERAL (SELECT ${paymentColumns}, api_key, sealed, data_key FROM ngome.payments WHERE merchant = $1 AND world = $2 AND id = asked.id OFFSET 0) p
        CROSS JOIN LATERAL (SELECT sealed, created_at FROM ngome.data_keys WHERE merchant = $1 AND world = $2 AND id = p.data_key OFFSET 0) d
        LEFT JOIN LATERAL (SELECT * FROM ngome.attempts WHERE merchant = $1 AND world = $2 AND payment = asked.id OFFSET 0) a ON true
      ORDER BY asked.place`,
    values: [tenant.merchant, tenant.world, ids],
  }
}

type AttemptColumns = {
  readonly attempt_reference: string
  readonly fence: number
  readonly sendings: number
  readonly state: AttemptState
  readonly prepared_at: Date
  readonly sent_at: Date | null
  readonly taken_at: Date | null
  readonly network_reference: string | null
  readonly facts_proof: Uint8Array | null
  readonly stuck_at: Date | null
}
type Columns = PaymentColumns & (AttemptColumns | { readonly attempt_reference: null }) & {
  readonly api_key: ApiKeyId
  readonly sealed: Uint8Array
  readonly data_key: DataKeyId
  readonly data_key_sealed: Uint8Array
  readonly data_key_created_at: Date
}

/** Of a row of {@link dispatchableStatement}. */
export function toDispatchable(read: object): DispatchablePayment {
  const row = read as Columns
  return {
    ...toPaymentRow(row),
    apiKey: row.api_key,
    sealed: row.sealed,
    dataKey: { id: row.data_key, sealed: row.data_key_sealed, createdAtMs: row.data_key_created_at.getTime() },
    attempt: row.attempt_reference === null ? null : toAttempt(row),
  }
}

function toAttempt(row: AttemptColumns): Attempt {
  return {
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
  }
}
