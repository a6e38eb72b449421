import type { Event, PaymentStatus } from '@ngome/contracts'
import type { ApiKeyId, Currency, DataKeyId, PaymentId, PayoutBatchId, Tenant } from '@ngome/kernel'
import type { Database } from '../database.ts'
import { appendEventStatement } from '../events/append-event.ts'
import { withIdempotency, type IdempotencyClaim, type IdempotentOutcome } from '../payments/idempotency.ts'
import { paymentColumns, toPaymentRow, type PaymentColumns, type PaymentRow } from '../payments/find-payment.ts'
import { insertApprovalStatement, type ApprovalParty } from '../payments/payout-approvals.ts'
import { paymentPageMax } from '../payments/list-payments.ts'
import { pipelined } from '../pipeline.ts'
import type { Statement } from '../statement.ts'
import { itsPayout } from './its-payout.ts'
import { errorCode, uniqueViolation, violatedConstraint } from '../store-fault.ts'

export type PayoutBatchRow = {
  readonly id: PayoutBatchId
  readonly tenant: Tenant
  readonly reference: string
  readonly currency: Currency
  readonly declaredCount: number
  readonly declaredMinor: bigint
  readonly acceptedCount: number
  readonly acceptedMinor: bigint
  readonly createdAtMs: number
  readonly updatedAtMs: number
  readonly isCancelled: boolean
  /** It is over the limit of one person: its rows wait for a second one. */
  readonly needsApproval: boolean
}

/** How its payouts stand, those of each state together. */
export type BatchStanding = { readonly status: PaymentStatus; readonly count: number; readonly totalMinor: bigint }

type Columns = Tenant & {
  id: PayoutBatchId; reference: string; currency: Currency; declared_count: number; declared_minor: bigint; accepted_count: number
  accepted_minor: bigint; created_at: Date; updated_at: Date; cancelled_at: Date | null; needs_approval: boolean
}

/** A batch that is opened, with what its merchant signed to open it. */
export type NewPayoutBatch = PayoutBatchRow & {
  readonly apiKey: ApiKeyId
  readonly opening: { readonly dataKey: DataKeyId; readonly blob: Uint8Array }
  /** Of one that needs an approval: who asks. */
  readonly askedBy?: ApprovalParty | undefined
}

/** Opens a batch: of each reference one, for ever. @throws Fault `store/unavailable` */
export function insertPayoutBatch(
  db: Database, batch: NewPayoutBatch, event: Event, idempotency: IdempotencyClaim,
): Promise<IdempotentOutcome | { readonly kind: 'already_opened' }> {
  const { tenant, createdAtMs, opening } = batch
  return withIdempotency(db, tenant, idempotency, createdAtMs, [{
    name: 'insert_payout_batch',
    text: `INSERT INTO ngome.payout_batches (id, merchant, world, reference, currency, declared_count, declared_minor, api_key, created_at, updated_at, needs_approval)
      VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9, $10)`,
    values: [batch.id, tenant.merchant, tenant.world, batch.reference, batch.currency, batch.declaredCount, batch.declaredMinor, batch.apiKey, new Date(createdAtMs), batch.needsApproval],
  }, {
    name: 'insert_batch_opening',
    text: `INSERT INTO ngome.payout_batch_openings (merchant, world, batch, reference, sealed, data_key, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
    values: [tenant.merchant, tenant.world, batch.id, batch.reference, opening.blob, opening.dataKey, new Date(createdAtMs)],
  }, ...batch.askedBy === undefined ? [] : [insertApprovalStatement(tenant, { batch: batch.id }, { ...batch.askedBy, decision: 'asked' }, createdAtMs)],
  appendEventStatement(event)]).catch((error: unknown) => {
    if (errorCode(error) === uniqueViolation && violatedConstraint(error) === 'payout_batch_openings_once') return { kind: 'already_opened' }
    throw error
  })
}

/** Which batch a reference names. @throws Fault `store/unavailable` */
export async function findBatchOfReference(db: Database, tenant: Tenant, reference: string): Promise<PayoutBatchId | undefined> {
  const [result] = await pipelined(db, tenant, [{
    name: 'find_batch_of_reference',
    text: 'SELECT batch FROM ngome.payout_batch_openings WHERE merchant = $1 AND world = $2 AND reference = $3',
    values: [tenant.merchant, tenant.world, reference],
  }])
  return (result?.rows[0] as { batch: PayoutBatchId } | undefined)?.batch
}

/** @throws Fault `store/unavailable` */
export async function findPayoutBatch(db: Database, tenant: Tenant, id: PayoutBatchId): Promise<PayoutBatchRow | undefined> {
  const [result] = await pipelined(db, tenant, [batchStatement(tenant, id)])
  return toBatch(result?.rows[0] as Columns | undefined)
}

/** A batch with how its payouts stand, all as of one moment. @throws Fault `store/unavailable` */
export async function findPayoutBatchStanding(
  db: Database, tenant: Tenant, id: PayoutBatchId,
): Promise<{ readonly batch: PayoutBatchRow; readonly standing: readonly BatchStanding[] } | undefined> {
  const [found, counted] = await pipelined(db, tenant, [batchStatement(tenant, id), {
    name: 'count_batch_rows',
    text: `SELECT p.status, count(*)::integer AS count, sum(p.amount_minor)::bigint AS minor
      FROM ngome.payout_batch_rows r ${itsPayout('status, amount_minor')}
      WHERE r.merchant = $1 AND r.world = $2 AND r.batch = $3 GROUP BY p.status ORDER BY p.status`,
    values: [tenant.merchant, tenant.world, id],
  }])
  const batch = toBatch(found?.rows[0] as Columns | undefined)
  const rows = (counted?.rows ?? []) as { status: PaymentStatus; count: number; minor: bigint }[]
  return batch && { batch, standing: rows.map(({ status, count, minor }) => ({ status, count, totalMinor: minor })) }
}

function batchStatement({ merchant, world }: Tenant, id: PayoutBatchId): Statement {
  return {
    name: 'find_payout_batch',
    text: `SELECT id, merchant, world, reference, currency, declared_count, declared_minor, accepted_count, accepted_minor, created_at, updated_at, cancelled_at, needs_approval
      FROM ngome.payout_batches WHERE merchant = $1 AND world = $2 AND id = $3`,
    values: [merchant, world, id],
  }
}

function toBatch(row: Columns | undefined): PayoutBatchRow | undefined {
  return row && {
    id: row.id, tenant: { merchant: row.merchant, world: row.world }, reference: row.reference, currency: row.currency,
    declaredCount: row.declared_count, declaredMinor: row.declared_minor, acceptedCount: row.accepted_count, acceptedMinor: row.accepted_minor,
    createdAtMs: row.created_at.getTime(), updatedAtMs: row.updated_at.getTime(), isCancelled: row.cancelled_at !== null, needsApproval: row.needs_approval,
  }
}

/** Which of these references are rows of the batch already. @throws Fault `store/unavailable` */
export async function findTakenReferences(
  db: Database, tenant: Tenant, batch: PayoutBatchId, references: readonly string[],
): Promise<ReadonlySet<string>> {
  const [result] = await pipelined(db, tenant, [{
    name: 'find_taken_references',
    text: 'SELECT reference FROM ngome.payout_batch_rows WHERE merchant = $1 AND world = $2 AND batch = $3 AND reference = ANY ($4)',
    values: [tenant.merchant, tenant.world, batch, references],
  }])
  return new Set((result?.rows ?? []).map((row) => (row as { reference: string }).reference))
}

/** Payouts of a batch, the newest first, as `listPayments` lists them. @throws Fault `store/unavailable` */
export async function listBatchPayouts(
  db: Database, tenant: Tenant, page: { readonly batch: PayoutBatchId; readonly after: PaymentId | null; readonly limit: number; readonly status: PaymentStatus | null },
): Promise<readonly PaymentRow[]> {
  const [result] = await pipelined(db, tenant, [{
    name: 'list_batch_payouts',
    text: `SELECT ${paymentColumns.replaceAll(/([a-z_]+)/g, 'p.$1')} FROM ngome.payout_batch_rows r ${itsPayout(paymentColumns)}
      WHERE r.merchant = $1 AND r.world = $2 AND r.batch = $3 AND r.payment < $4 AND ($5::text IS NULL OR p.status = $5)
      ORDER BY r.payment DESC LIMIT $6`,
    values: [tenant.merchant, tenant.world, page.batch, page.after ?? '~', page.status, Math.min(page.limit, paymentPageMax + 1)],
  }])
  return (result?.rows ?? []).map((row) => toPaymentRow(row as PaymentColumns))
}
