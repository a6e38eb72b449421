import type { Event } from '@ngome/contracts'
import type { PaymentId, Tenant } from '@ngome/kernel'
import type { Database } from '../database.ts'
import { appendEvent } from '../events/append-event.ts'
import { proveLastEvent } from '../events/object-events.ts'
import { enqueue } from '../jobs/enqueue.ts'
import { inTenantPrepared } from '../transaction.ts'
import type { PaymentRow } from './find-payment.ts'
import { insertApprovalAnswer, readPayoutApproval, type ApprovalAnswer } from './payout-approvals.ts'
import { changeStatus, holdPayment, type ProveNext } from './withdraw-payment.ts'

export type PayoutApprovalGiven = {
  readonly payment: PaymentId
  readonly answer: ApprovalAnswer & { readonly decision: 'approved' }
  readonly atMs: number
  /** For the operator. */
  readonly event: Event
  readonly prove: ProveNext
}

export type ApprovalOutcome =
  /** Also where the same key line approved it before: then nothing was changed. */
  | { readonly kind: 'approved'; readonly row: PaymentRow }
  | { readonly kind: 'not_awaiting'; readonly row: PaymentRow }
  | { readonly kind: 'unknown' }

/**
 * Lets a payout go on that waited for a second person: the approval, the payout's state, the job that sends it, event with its leaf, and the
 * proof of what webhooks say, in one transaction. It holds the payout's row, so that of all who decide one is first.
 * @throws Fault `store/unavailable`; else the database's own error where who asked would answer
 */
export async function approvePayout(db: Database, tenant: Tenant, given: PayoutApprovalGiven): Promise<ApprovalOutcome> {
  const { payment, answer, atMs } = given
  const outcome = await inTenantPrepared(db, tenant, async (tx): Promise<ApprovalOutcome & { readonly isChanged?: true }> => {
    const row = await holdPayment(tx, tenant, payment)
    if (row === undefined) return { kind: 'unknown' }
    if (row.status !== 'awaiting_approval') {
      const before = (await readPayoutApproval(tx, tenant, payment)).answer
      const isSame = before?.decision === 'approved' && before.keyLine === answer.keyLine
      return isSame ? { kind: 'approved', row } : { kind: 'not_awaiting', row }
    }
    const changed: PaymentRow = { ...row, status: 'accepted', updatedAtMs: atMs }
    await insertApprovalAnswer(tx, tenant, payment, answer, atMs)
    await changeStatus(tx, changed)
    await enqueue(tx, 'payment-dispatch', { ...tenant, payment, network: row.network })
    await appendEvent(tx, given.event)
    await proveLastEvent(tx, tenant, payment, given.prove)
    return { kind: 'approved', row: changed, isChanged: true }
  })
  if (outcome.isChanged) db.wake('payment-dispatch')
  return outcome
}
