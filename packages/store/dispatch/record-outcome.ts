import type { Event, FailureCode } from '@ngome/contracts'
import { newId, type Clock, type PaymentId, type Random, type Tenant, type WebhookDeliveryId } from '@ngome/kernel'
import { transferStateOf } from '@ngome/payments'
import type { Transaction } from 'kysely'
import type { Database } from '../database.ts'
import { appendEvent } from '../events/append-event.ts'
import { enqueue } from '../jobs/enqueue.ts'
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
  /** Further events, of what was found out with the end. */
  readonly alarms?: readonly Event[]
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
    const isHeld = record.fence === null
      ? await hasNoAttempt(tx, tenant, record.payment)
      : await endAttempt(tx, tenant, record.payment, record.fence, record.outcome, at)
    if (!isHeld || !await endPayment(tx, tenant, record, at)) return undefined
    await settleTransfer(tx, tenant, record, at)
    for (const event of [...record.alarms ?? [], record.event]) await appendEvent(tx, event)
    return addDeliveries(tx, from, tenant, record)
  })
  if (deliveries === undefined) return 'superseded'
  if (deliveries.length > 0) db.wake('webhook-deliver')
  return 'recorded'
}

/** The lock on the payment keeps an attempt from appearing between this look and the end. */
async function hasNoAttempt(tx: Transaction<Tables>, tenant: Tenant, payment: PaymentId): Promise<boolean> {
  const attempt = await tx.selectFrom('attempts').select('id')
    .where('merchant', '=', tenant.merchant).where('world', '=', tenant.world).where('payment', '=', payment)
    .executeTakeFirst()
  return attempt === undefined
}

async function endAttempt(
  tx: Transaction<Tables>,
  tenant: Tenant,
  payment: PaymentId,
  fence: number,
  outcome: PaymentOutcome,
  at: Date,
): Promise<boolean> {
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
    .executeTakeFirst()
  return updated.numUpdatedRows === 1n
}

/** A success is only of what was processing; a failure is also of what was never sent. */
async function endPayment(tx: Transaction<Tables>, tenant: Tenant, record: OutcomeRecord, at: Date): Promise<boolean> {
  const { outcome } = record
  const updated = await tx.updateTable('payments')
    .set({ status: outcome.status, failure: outcome.status === 'failed' ? outcome.failure : null, updated_at: at })
    .where('merchant', '=', tenant.merchant).where('world', '=', tenant.world).where('id', '=', record.payment)
    .where('status', 'in', outcome.status === 'succeeded' ? ['processing'] : ['accepted', 'processing'])
    .executeTakeFirst()
  if (updated.numUpdatedRows === 1n) return true
  // The attempt was held and its payment has ended: two rows that one transaction writes disagree.
  if (record.fence !== null) throw new Error(`attempt and payment disagree about ${record.payment}`)
  return false
}

async function settleTransfer(tx: Transaction<Tables>, tenant: Tenant, record: OutcomeRecord, at: Date): Promise<void> {
  const updated = await tx.updateTable('transfers')
    .set({ state: transferStateOf(record.outcome.status), settled_at: at })
    .where('merchant', '=', tenant.merchant).where('world', '=', tenant.world).where('payment', '=', record.payment)
    .where('state', '=', 'pending')
    .executeTakeFirst()
  if (updated.numUpdatedRows !== 1n) throw new Error(`payment ${record.payment} has no pending transfer`)
}

async function addDeliveries(
  tx: Transaction<Tables>,
  from: { readonly clock: Clock; readonly random: Random },
  tenant: Tenant,
  record: OutcomeRecord,
): Promise<readonly WebhookDeliveryId[]> {
  const endpoints = await tx.selectFrom('webhook_endpoints').select('id')
    .where('merchant', '=', tenant.merchant).where('world', '=', tenant.world)
    .orderBy('id').execute()
  const { event } = record
  const deliveries = endpoints.map((endpoint) => ({
    ...tenant,
    id: newId('webhookDelivery', from),
    endpoint: endpoint.id,
    payment: record.payment,
    event: event.id,
    event_type: event.type,
    event_at: new Date(event.at),
    state: 'pending' as const,
    last_status: null,
    created_at: new Date(from.clock.nowMs()),
    settled_at: null,
  }))
  if (deliveries.length > 0) await tx.insertInto('webhook_deliveries').values(deliveries).execute()
  for (const { id } of deliveries) await enqueue(tx, 'webhook-deliver', { ...tenant, delivery: id })
  return deliveries.map(({ id }) => id)
}
