import type { Event, FailureCode } from '@ngome/contracts'
import type { Clock, PaymentId, Tenant } from '@ngome/kernel'
import { dispatcherOrigins, paymentStates, type ObjectEvent } from '@ngome/payments'
import { CompiledQuery, type Transaction } from 'kysely'
import type { Database } from '../database.ts'
import { appendEvent } from '../events/append-event.ts'
import { proveLastEvent } from '../events/object-events.ts'
import { takeBackStatement } from '../jobs/enqueue.ts'
import type { Tables } from '../tables.ts'
import { inTenantPrepared } from '../transaction.ts'
import { lockPayment } from './lock-payment.ts'

export type PaymentOutcome =
  | { readonly status: 'succeeded'; readonly networkReference: string | null }
  | { readonly status: 'failed'; readonly failure: FailureCode; readonly networkReason: string | null }

export type OutcomeRecord = {
  readonly payment: PaymentId
  /** The fence that the caller holds, or `null` for a record that was refused before there was any attempt. */
  readonly fence: number | null
  readonly outcome: PaymentOutcome
  /** `payment.succeeded` or `payment.failed`, for the operator. */
  readonly event: Event
  readonly prove: ProveChange
  /** Further events, of what was found out with the end. */
  readonly alarms?: readonly Event[]
}

/**
 * Proves what webhooks say of a change, from the rows as they are under the lock.
 * @param factsProof what proves what the payment is; `null` where no attempt was made
 * @returns `null` where they are not what was once compared
 */
export type ProveChange = (event: ObjectEvent, factsProof: Uint8Array | null) => Uint8Array | null

/**
 * Ends a payment, in one transaction: attempt, payment, ledger, event with its leaf, and the proof of what webhooks say. Compare-and-set: it happens once, for the holder of the fence, or never.
 *
 * @returns `superseded` where the payment has ended already or another holds the attempt by now
 * @throws Fault `store/unavailable`
 */
export async function recordOutcome(
  db: Database,
  from: { readonly clock: Clock },
  tenant: Tenant,
  record: OutcomeRecord,
): Promise<'recorded' | 'superseded'> {
  const isRecorded = await inTenantPrepared(db, tenant, async (tx) => {
    // Taken back by its merchant while this was found out: its attempt stays as it was prepared.
    if (await lockPayment(tx, tenant, record.payment) === 'cancelled') return false
    const at = new Date(from.clock.nowMs())
    const held = record.fence === null
      ? await noAttempt(tx, tenant, record.payment)
      : await endAttempt(tx, tenant, record.payment, record.fence, record.outcome, at)
    if (held === undefined || !await endPayment(tx, tenant, record, at)) return false
    await endTransfers(tx, tenant, record, at)
    if (held.reference !== null) await takeEnquiryBack(tx, held.reference)
    for (const event of [...record.alarms ?? [], record.event]) await appendEvent(tx, event)
    await proveLastEvent(tx, tenant, record.payment, (event) => record.prove(event, held.factsProof))
    return true
  })
  if (!isRecorded) return 'superseded'
  db.wake('webhook-deliver')
  return 'recorded'
}

/** The end is the caller's to record. */
type Held = { readonly factsProof: Uint8Array | null; readonly reference: string | null }

/** The lock on the payment keeps an attempt from appearing between this look and the end. */
async function noAttempt(tx: Transaction<Tables>, tenant: Tenant, payment: PaymentId): Promise<Held | undefined> {
  const attempt = await tx.selectFrom('attempts').select('id')
    .where('merchant', '=', tenant.merchant).where('world', '=', tenant.world).where('payment', '=', payment)
    .executeTakeFirst()
  return attempt === undefined ? { factsProof: null, reference: null } : undefined
}

async function endAttempt(
  tx: Transaction<Tables>,
  tenant: Tenant,
  payment: PaymentId,
  fence: number,
  outcome: PaymentOutcome,
  at: Date,
): Promise<Held | undefined> {
  const updated = await tx.updateTable('attempts')
    .set({
      state: 'known',
      known_at: at,
      network_reference: outcome.status === 'succeeded' ? outcome.networkReference : null,
      network_reason: outcome.status === 'failed' ? outcome.networkReason : null,
    })
    .where('merchant', '=', tenant.merchant).where('world', '=', tenant.world).where('payment', '=', payment)
    .where('fence', '=', fence)
    // Money can only have moved for what was sent.
    .where('state', 'in', outcome.status === 'succeeded' ? ['sent'] : ['prepared', 'sent'])
    .returning(['facts_proof', 'reference']).executeTakeFirst()
  return updated === undefined ? undefined : { factsProof: updated.facts_proof, reference: updated.reference }
}

/** Where a callback came before the first enquiry was due, nothing is left to be asked. */
async function takeEnquiryBack(tx: Transaction<Tables>, reference: string): Promise<void> {
  const { text, values } = takeBackStatement('payment-enquire', reference)
  await tx.executeQuery(CompiledQuery.raw(text, [...values]))
}

/** A success is only of what was sent; a failure is also of what never was. */
async function endPayment(
  tx: Transaction<Tables>,
  tenant: Tenant,
  record: OutcomeRecord,
  at: Date,
): Promise<boolean> {
  const { outcome } = record
  const updated = await tx.updateTable('payments')
    .set({ status: outcome.status, failure: outcome.status === 'failed' ? outcome.failure : null, updated_at: at })
    .where('merchant', '=', tenant.merchant).where('world', '=', tenant.world).where('id', '=', record.payment)
    .where('status', 'in', dispatcherOrigins(outcome.status))
    .executeTakeFirst()
  if (updated.numUpdatedRows === 1n) return true
  // The attempt was held and its payment has ended: two rows that one transaction writes disagree.
  if (record.fence !== null) throw new Error(`attempt and payment disagree about ${record.payment}`)
  return false
}

/** Every transfer of the payment that waits comes to its end; its begin stays as it was. */
async function endTransfers(tx: Transaction<Tables>, tenant: Tenant, record: OutcomeRecord, at: Date): Promise<void> {
  const ended = await tx.insertInto('transfers')
    .columns(['merchant', 'world', 'payment', 'kind', 'phase', 'debit_account', 'credit_account', 'debit_kind', 'credit_kind',
      'amount_minor', 'currency', 'at'])
    .expression((e) => e.selectFrom('transfers')
      .select((s) => ['merchant', 'world', 'payment', 'kind', s.val(paymentStates[record.outcome.status].transfers).as('phase'),
        'debit_account', 'credit_account', 'debit_kind', 'credit_kind', 'amount_minor', 'currency', s.val(at).as('at')])
      .where('merchant', '=', tenant.merchant).where('world', '=', tenant.world).where('document', '=', record.payment)
      .where('phase', '=', 'pending'))
    .executeTakeFirst()
  if (ended.numInsertedOrUpdatedRows === 0n) throw new Error(`payment ${record.payment} has no transfer that waits`)
}
