import type { Event, PaymentStatus } from '@ngome/contracts'
import type { ApiKeyId, DataKeyId, MerchantSigningKeyId, PayoutBatchId, PayoutBatchPartId, Tenant } from '@ngome/kernel'
import { transfersOf } from '@ngome/payments'
import type { Database } from '../database.ts'
import { enqueueStatement } from '../jobs/enqueue.ts'
import { dayTotalStatement, makeAccounts, type DayTotal, type NewPayment } from '../payments/accept-payment.ts'
import { withIdempotency, type IdempotencyClaim, type IdempotentOutcome } from '../payments/idempotency.ts'
import type { Statement } from '../statement.ts'
import { errorCode, uniqueViolation, violatedConstraint } from '../store-fault.ts'
import { bytesOf, eventsStatement, transfersStatement } from './many-rows.ts'

export type NewPayoutPart = {
  readonly id: PayoutBatchPartId
  readonly batch: PayoutBatchId
  readonly number: number
  readonly dataKey: DataKeyId
  /** What the merchant signed. */
  readonly sealed: Uint8Array
  /** `partDigest` of its body, and by whose keys it came: what a second person approves, and who that is not. */
  readonly digest: Uint8Array
  readonly orderedBy: { readonly keyLine: ApiKeyId; readonly signingKey: MerchantSigningKeyId }
  readonly createdAtMs: number
}

/** A row of a part: its payout, and what tells of it. */
export type NewBatchedPayout = { readonly payment: NewPayment; readonly event: Event; readonly eventProof: Uint8Array }

export type PartAcceptance = {
  readonly tenant: Tenant
  readonly part: NewPayoutPart
  /** At least one, all of one key, time and beginning. */
  readonly rows: readonly NewBatchedPayout[]
  /** What the key's payments of the day may come to, with the whole part. */
  readonly dayTotal: DayTotal | null
  readonly idempotency: IdempotencyClaim
}

/** What took the place of an acceptance, from the codes that the database's rules raise. */
const refusals = {
  NG005: 'day_total_reached',
  NG007: 'not_covered',
  /** `ngome.take_payout_part`. */
  NG471: 'closed',
  NG472: 'exceeds_declared',
} as const
const uniqueRefusals = { payout_batch_parts_once: 'part_taken', payout_batch_rows_once: 'reference_taken' } as const
type Refusal = (typeof refusals)[keyof typeof refusals] | (typeof uniqueRefusals)[keyof typeof uniqueRefusals]

export type PartOutcome = IdempotentOutcome | { readonly [K in Refusal]: { readonly kind: K } }[Refusal]

/**
 * Accepts a part of a batch in one transaction and one round trip, each table by one statement: its payouts with their transfers, events and
 * leaves, what was signed of them, one job for all, and its count into the batch. All of it or nothing.
 * @throws Fault `store/unavailable`, after which the merchant repeats with the same key
 */
export async function acceptPayoutPart(db: Database, { tenant, part, rows, dayTotal, idempotency }: PartAcceptance): Promise<PartOutcome> {
  const [first] = rows
  if (first === undefined) throw new RangeError('a part has rows')
  const transfers = rows.flatMap(({ payment }) => transfersOf({ ...payment, tenant }))
  const accounts = makeAccounts(db, transfers)
  const wholeMinor = rows.reduce((sum, { payment }) => sum + payment.money.amountMinor, 0n)
  const outcome = await withIdempotency(db, tenant, idempotency, part.createdAtMs, [
    partStatement(tenant, part),
    paymentsStatement(tenant, rows),
    proofsStatement(tenant, rows),
    ...accounts.statements,
    transfersStatement(tenant, transfers, 'pending', part.createdAtMs),
    eventsStatement(rows.map(({ event }) => event)),
    rowsStatement(tenant, part, rows),
    // What waits for an approval is worked off by the job that the approval makes.
    ...isDue(first.payment.status) ? [enqueueStatement('payout-part', { ...tenant, part: part.id }, 0)] : [],
    takeStatement(part),
    // Last, so that others wait for its row no longer than for the commit.
    ...dayTotal === null ? [] : [dayTotalStatement({ ...first.payment, money: { ...first.payment.money, amountMinor: wholeMinor } }, dayTotal)],
  ]).catch(refusalOf)
  if (outcome.kind === 'accepted') {
    accounts.remember()
    db.wake('payout-part')
  }
  return outcome
}

function isDue(status: PaymentStatus): boolean {
  return status === 'accepted'
}

function refusalOf(error: unknown): PartOutcome {
  const code = errorCode(error) ?? ''
  if (Object.hasOwn(refusals, code)) return { kind: refusals[code as keyof typeof refusals] }
  const constraint = violatedConstraint(error) ?? ''
  if (code === uniqueViolation && Object.hasOwn(uniqueRefusals, constraint)) return { kind: uniqueRefusals[constraint as keyof typeof uniqueRefusals] }
  throw error
}

function partStatement({ merchant, world }: Tenant, part: NewPayoutPart): Statement {
  return {
    name: 'insert_payout_part',
    text: `INSERT INTO ngome.payout_batch_parts (id, merchant, world, batch, number, sealed, data_key, created_at, digest, key_line, signing_key)
      VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
    values: [part.id, merchant, world, part.batch, part.number, part.sealed, part.dataKey, new Date(part.createdAtMs),
      part.digest, part.orderedBy.keyLine, part.orderedBy.signingKey],
  }
}

function paymentsStatement({ merchant, world }: Tenant, rows: readonly NewBatchedPayout[]): Statement {
  const of = <V>(column: (payment: NewPayment) => V): readonly V[] => rows.map(({ payment }) => column(payment))
  const [{ payment: { apiKey, createdAtMs, status, money: { currency } } }] = rows as readonly [NewBatchedPayout]
  return {
    name: 'insert_payouts',
    text: `INSERT INTO ngome.payments (id, merchant, world, status, direction, network, currency, amount_minor, fee_minor,
        reference, payer_masked, api_key, data_key, sealed, created_at, updated_at)
      SELECT r.id, $1, $2, $3, 'payout', r.network, $4, r.amount_minor, r.fee_minor, r.reference, r.payer_masked, $5, r.data_key, r.sealed, $6, $6
      FROM unnest($7::text[], $8::text[], $9::bigint[], $10::bigint[], $11::text[], $12::text[], $13::text[], $14::bytea[])
        r (id, network, amount_minor, fee_minor, reference, payer_masked, data_key, sealed)`,
    values: [merchant, world, status, currency, apiKey, new Date(createdAtMs),
      of(({ id }) => id), of(({ network }) => network), of(({ money }) => money.amountMinor), of(({ feeMinor }) => feeMinor),
      of(({ reference }) => reference), of(({ payerMasked }) => payerMasked), of(({ dataKey }) => dataKey), of(({ sealed }) => bytesOf(sealed))],
  }
}

function proofsStatement({ merchant, world }: Tenant, rows: readonly NewBatchedPayout[]): Statement {
  return {
    name: 'prove_first_events',
    text: `UPDATE ngome.object_events e SET proof = r.proof FROM unnest($3::text[], $4::bytea[]) r (object, proof)
      WHERE e.merchant = $1 AND e.world = $2 AND e.object = ANY ($3) AND e.object = r.object AND e.sequence = 1`,
    values: [merchant, world, rows.map(({ payment }) => payment.id), rows.map(({ eventProof }) => bytesOf(eventProof))],
  }
}

function rowsStatement({ merchant, world }: Tenant, { id, batch }: NewPayoutPart, rows: readonly NewBatchedPayout[]): Statement {
  return {
    name: 'insert_batch_rows',
    text: `INSERT INTO ngome.payout_batch_rows (merchant, world, batch, part, reference, payment)
      SELECT $1, $2, $3, $4, r.reference, r.payment FROM unnest($5::text[], $6::text[]) r (reference, payment)`,
    values: [merchant, world, batch, id, rows.map(({ payment }) => payment.reference), rows.map(({ payment }) => payment.id)],
  }
}

function takeStatement({ id, createdAtMs }: NewPayoutPart): Statement {
  return { name: 'take_payout_part', text: 'SELECT ngome.take_payout_part($1, $2)', values: [id, new Date(createdAtMs)] }
}
