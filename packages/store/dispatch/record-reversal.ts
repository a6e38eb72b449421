import type { Event } from '@ngome/contracts'
import { newId, type Clock, type PaymentId, type Random, type Tenant } from '@ngome/kernel'
import { dispatcherOrigins } from '@ngome/payments'
import type { Transaction } from 'kysely'
import type { Database } from '../database.ts'
import { appendEvent } from '../events/append-event.ts'
import { proveLastEvent } from '../events/object-events.ts'
import { repayDebtIn } from '../ledger/repay-debts.ts'
import type { Tables } from '../tables.ts'
import { inTenantPrepared } from '../transaction.ts'
import { lockPayment } from './lock-payment.ts'
import type { ProveChange } from './record-outcome.ts'

export type ReversalRecord = {
  readonly payment: PaymentId
  /** `payment.reversed` and the like, for the operator. */
  readonly event: Event
  readonly prove: ProveChange
  /** Whether the network says the same of a collection that we gave back: then nothing is reversed while a refund of it may stand. */
  readonly areRefundsReversals: boolean
}

/**
 * Records that the network took a success back, in one transaction: payment, the mirrors of its transfers, event with its leaf, the proof
 * of what webhooks say, and the repayment of what is owed by it as far as something is there. It cannot fail for lack of money.
 *
 * @returns `superseded` where the payment has not succeeded, is reversed already, or a refund of it explains what the network says
 * @throws Fault `store/unavailable`
 */
export async function recordReversal(
  db: Database, from: { readonly clock: Clock; readonly random: Random }, tenant: Tenant, { payment, event, prove, areRefundsReversals }: ReversalRecord,
): Promise<'recorded' | 'superseded'> {
  const isRecorded = await inTenantPrepared(db, tenant, async (tx) => {
    // First, as everybody does. A refund of it holds this row until it is written, and is refused after.
    await lockPayment(tx, tenant, payment)
    if (areRefundsReversals && await isRefunded(tx, tenant, payment)) return false
    const at = new Date(from.clock.nowMs())
    // The database gives back what it moved, with the change itself.
    const reversed = await tx.updateTable('payments').set({ status: 'reversed', updated_at: at })
      .where('merchant', '=', tenant.merchant).where('world', '=', tenant.world).where('id', '=', payment)
      .where('status', 'in', dispatcherOrigins('reversed'))
      .returning('currency').executeTakeFirst()
    if (reversed === undefined) return false
    const attempt = await tx.selectFrom('attempts').select('facts_proof')
      .where('merchant', '=', tenant.merchant).where('world', '=', tenant.world).where('payment', '=', payment)
      .executeTakeFirst()
    await appendEvent(tx, event)
    await proveLastEvent(tx, tenant, payment, (told) => prove(told, attempt?.facts_proof ?? null))
    // Last, so that others wait for what is available no longer than for the commit.
    await repayDebtIn(tx, { id: newId('adjustment', from), currency: reversed.currency, reason: `${payment} was reversed`, at })
    return true
  })
  if (!isRecorded) return 'superseded'
  db.wake('webhook-deliver')
  return 'recorded'
}

/** Also by one that waits: it may be sent at any time. */
async function isRefunded(tx: Transaction<Tables>, tenant: Tenant, payment: PaymentId): Promise<boolean> {
  const refund = await tx.selectFrom('payments').select('id')
    .where('merchant', '=', tenant.merchant).where('world', '=', tenant.world).where('original', '=', payment)
    .where('status', 'not in', ['failed', 'cancelled', 'reversed']).limit(1).executeTakeFirst()
  return refund !== undefined
}
