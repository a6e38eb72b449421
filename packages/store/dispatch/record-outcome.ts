import type { Event, FailureCode } from '@ngome/contracts'
import { newId, type Clock, type PaymentId, type Random, type Tenant, type WebhookDeliveryId } from '@ngome/kernel'
import { dispatcherOrigins, paymentStates } from '@ngome/payments'
import type { Transaction } from 'kysely'
import type { Database } from '../database.ts'
import { appendEvent } from '../events/append-event.ts'
import { enqueue } from '../jobs/enqueue.ts'
import { toPaymentRow, type PaymentRow } from '../payments/find-payment.ts'
import type { Tables } from '../tables.ts'
import { inTenant } from '../transaction.ts'
import { lockPayment } from './lock-payment.ts'

export type PaymentOutcome =
  | { readonly status: 'succeeded'; readonly networkReference: string | null }
  | { readonly status: 'failed'; readonly failure: FailureCode; readonly networkReason: string | null }

export type OutcomeRecord = {
  readonly payment: PaymentId
  /** The fence that the caller holds, or `null` for a record that was refused before there was any attempt. */
  readonly fence: number | null
  readonly outcome: PaymentOutcome
  /** `payment.succeeded` or `payment.failed`; the deliveries carry its id, type and time. */
  readonly event: Event
  /**
   * Proves a delivery of this end from the rows as they are under the lock.
   * @returns `null` where they are not what was once compared
   */
  readonly prove: (told: ToldEnd) => Uint8Array | null
  /** Further events, of what was found out with the end. */
  readonly alarms?: readonly Event[]
}

/** What a delivery tells of, and what proves its facts: `null` where no attempt was made. */
export type ToldEnd = {
  readonly delivery: WebhookDeliveryId
  readonly payment: PaymentRow
  readonly factsProof: Uint8Array | null
}

/**
 * Ends a payment, in one transaction: attempt, payment, ledger, event with its leaf, a delivery for each of the
 * tenant's webhook endpoints and their jobs. Compare-and-set: it happens once, for the holder of the fence, or never.
 *
 * @returns `superseded` where the payment has ended already or another holds the attempt by now
 * @throws Fault `store/unavailable`
 */
export async function recordOutcome(
  db: Database,
  from: { readonly clock: Clock; readonly random: Random },
  tenant: Tenant,
  record: OutcomeRecord,
): Promise<'recorded' | 'superseded'> {
  const deliveries = await inTenant(db, tenant, async (tx) => {
    await lockPayment(tx, tenant, record.payment)
    const at = new Date(from.clock.nowMs())
    const held = record.fence === null
      ? await noAttempt(tx, tenant, record.payment)
      : await endAttempt(tx, tenant, record.payment, record.fence, record.outcome, at)
    const payment = held === undefined ? undefined : await endPayment(tx, tenant, record, at)
    if (held === undefined || payment === undefined) return undefined
    await endTransfers(tx, tenant, record, at)
    for (const event of [...record.alarms ?? [], record.event]) await appendEvent(tx, event)
    return addDeliveries(tx, from, tenant, record, { payment, factsProof: held.factsProof })
  })
  if (deliveries === undefined) return 'superseded'
  if (deliveries.length > 0) db.wake('webhook-deliver')
  return 'recorded'
}

/** The end is the caller's to record. */
type Held = { readonly factsProof: Uint8Array | null }

/** The lock on the payment keeps an attempt from appearing between this look and the end. */
async function noAttempt(tx: Transaction<Tables>, tenant: Tenant, payment: PaymentId): Promise<Held | undefined> {
  const attempt = await tx.selectFrom('attempts').select('id')
    .where('merchant', '=', tenant.merchant).where('world', '=', tenant.world).where('payment', '=', payment)
    .executeTakeFirst()
  return attempt === undefined ? { factsProof: null } : undefined
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
    .returning('facts_proof').executeTakeFirst()
  return updated === undefined ? undefined : { factsProof: updated.facts_proof }
}

/** A success is only of what was sent; a failure is also of what never was. */
async function endPayment(
  tx: Transaction<Tables>,
  tenant: Tenant,
  record: OutcomeRecord,
  at: Date,
): Promise<PaymentRow | undefined> {
  const { outcome } = record
  const updated = await tx.updateTable('payments')
    .set({ status: outcome.status, failure: outcome.status === 'failed' ? outcome.failure : null, updated_at: at })
    .where('merchant', '=', tenant.merchant).where('world', '=', tenant.world).where('id', '=', record.payment)
    .where('status', 'in', dispatcherOrigins(outcome.status))
    .returningAll().executeTakeFirst()
  if (updated !== undefined) return toPaymentRow(updated)
  // The attempt was held and its payment has ended: two rows that one transaction writes disagree.
  if (record.fence !== null) throw new Error(`attempt and payment disagree about ${record.payment}`)
  return undefined
}

/** Every transfer of the payment that waits comes to its end; its begin stays as it was. */
async function endTransfers(tx: Transaction<Tables>, tenant: Tenant, record: OutcomeRecord, at: Date): Promise<void> {
  const ended = await tx.insertInto('transfers')
    .columns(['merchant', 'world', 'payment', 'kind', 'phase', 'debit_account', 'credit_account', 'debit_kind', 'credit_kind',
      'amount_minor', 'currency', 'at'])
    .expression((e) => e.selectFrom('transfers')
      .select((s) => ['merchant', 'world', 'payment', 'kind', s.val(paymentStates[record.outcome.status].transfers).as('phase'),
        'debit_account', 'credit_account', 'debit_kind', 'credit_kind', 'amount_minor', 'currency', s.val(at).as('at')])
      .where('merchant', '=', tenant.merchant).where('world', '=', tenant.world).where('payment', '=', record.payment)
      .where('phase', '=', 'pending'))
    .executeTakeFirst()
  if (ended.numInsertedOrUpdatedRows === 0n) throw new Error(`payment ${record.payment} has no transfer that waits`)
}

async function addDeliveries(
  tx: Transaction<Tables>,
  from: { readonly clock: Clock; readonly random: Random },
  tenant: Tenant,
  record: OutcomeRecord,
  told: Omit<ToldEnd, 'delivery'>,
): Promise<readonly WebhookDeliveryId[]> {
  const endpoints = await tx.selectFrom('webhook_endpoints').select('id')
    .where('merchant', '=', tenant.merchant).where('world', '=', tenant.world)
    .orderBy('id').execute()
  const { event } = record
  const deliveries = endpoints.map((endpoint) => ({ endpoint, id: newId('webhookDelivery', from) })).map(({ endpoint, id }) => ({
    ...tenant,
    id,
    endpoint: endpoint.id,
    payment: record.payment,
    event: event.id,
    event_type: event.type,
    event_at: new Date(event.at),
    state: 'pending' as const,
    last_status: null,
    proof: record.prove({ ...told, delivery: id }),
    created_at: new Date(from.clock.nowMs()),
    settled_at: null,
  }))
  if (deliveries.length > 0) await tx.insertInto('webhook_deliveries').values(deliveries).execute()
  for (const { id } of deliveries) await enqueue(tx, 'webhook-deliver', { ...tenant, delivery: id })
  return deliveries.map(({ id }) => id)
}
