import type { Event, FailureCode } from '@ngome/contracts'
import type { PaymentId, Tenant } from '@ngome/kernel'
import { gatewayOrigins, transfersOf, type ObjectEvent } from '@ngome/payments'
import { CompiledQuery, type Transaction } from 'kysely'
import type { Database } from '../database.ts'
import { appendEvent } from '../events/append-event.ts'
import { proveLastEvent, type ProvableEvent } from '../events/object-events.ts'
import type { Tables } from '../tables.ts'
import { inTenantPrepared } from '../transaction.ts'
import { toPaymentRow, type PaymentRow } from './find-payment.ts'
import { insertApprovalAnswer, type ApprovalAnswer } from './payout-approvals.ts'
import { transferStatement } from './transfer-statement.ts'

/** Proves what webhooks say of a change, from the rows as they are under the lock; `null` where they are not what was proven before. */
export type ProveNext = (event: ObjectEvent, previous: ProvableEvent | null) => Uint8Array | null

export type Withdrawal = {
  readonly payment: PaymentId
  /** How it ends. */
  readonly to: { readonly status: 'cancelled' } | { readonly status: 'failed'; readonly failure: Extract<FailureCode, 'approval_refused' | 'approval_expired'> }
  /** Of one that waited for an approval: who refused it. */
  readonly refusal?: ApprovalAnswer & { readonly decision: 'refused' }
  readonly atMs: number
  /** For the operator. */
  readonly event: Event
  readonly prove: ProveNext
}

export type WithdrawalOutcome =
  /** Also where it stood so before: then nothing was changed. */
  | { readonly kind: 'withdrawn'; readonly row: PaymentRow }
  /** Something was sent, or it has ended otherwise. */
  | { readonly kind: 'too_late'; readonly row: PaymentRow }
  | { readonly kind: 'unknown' }

/**
 * Ends a payment of which nothing was sent, by the merchant's word, or by its silence where it had to approve: payment, ledger, event with its leaf, and the proof of what webhooks
 * say, in one transaction. It holds the payment's row, as the dispatcher does before it marks anything as sent: one of both comes first, and
 * the other sees it.
 * @throws Fault `store/unavailable`
 */
export async function withdrawPayment(db: Database, tenant: Tenant, withdrawal: Withdrawal): Promise<WithdrawalOutcome> {
  const { payment, to } = withdrawal
  const outcome = await inTenantPrepared(db, tenant, async (tx): Promise<WithdrawalOutcome & { readonly isChanged?: true }> => {
    const row = await holdPayment(tx, tenant, payment)
    if (row === undefined) return { kind: 'unknown' }
    const failure = to.status === 'failed' ? to.failure : null
    if (row.status === to.status && row.failure === failure) return { kind: 'withdrawn', row }
    if (!gatewayOrigins(to.status).includes(row.status)) return { kind: 'too_late', row }
    const changed = { ...row, status: to.status, failure, updatedAtMs: withdrawal.atMs }
    if (withdrawal.refusal !== undefined) await insertApprovalAnswer(tx, tenant, payment, withdrawal.refusal, withdrawal.atMs)
    await changeStatus(tx, changed)
    await voidTransfers(tx, changed)
    await appendEvent(tx, withdrawal.event)
    await proveLastEvent(tx, tenant, payment, withdrawal.prove)
    return { kind: 'withdrawn', row: changed, isChanged: true }
  })
  if (outcome.isChanged) db.wake('webhook-deliver')
  return outcome
}

/** Takes a payment for the rest of the transaction, as `lockPayment` does, and reads what a merchant may see of it. */
export async function holdPayment(tx: Transaction<Tables>, tenant: Tenant, payment: PaymentId): Promise<PaymentRow | undefined> {
  const row = await tx.selectFrom('payments')
    .select(['id', 'merchant', 'world', 'status', 'failure', 'direction', 'network', 'currency', 'amount_minor', 'fee_minor', 'reference',
      'payer_masked', 'original', 'created_at', 'updated_at'])
    .where('merchant', '=', tenant.merchant).where('world', '=', tenant.world).where('id', '=', payment)
    .forNoKeyUpdate().executeTakeFirst()
  return row === undefined ? undefined : toPaymentRow(row)
}

/** Writes status and failure of a payment that the transaction holds. */
export async function changeStatus(tx: Transaction<Tables>, { id, tenant, status, failure, updatedAtMs }: PaymentRow): Promise<void> {
  await tx.updateTable('payments').set({ status, failure, updated_at: new Date(updatedAtMs) })
    .where('merchant', '=', tenant.merchant).where('world', '=', tenant.world).where('id', '=', id).execute()
}

/** Which transfers wait follows from the payment, as it did when they began; the database refuses an end without its begin. */
async function voidTransfers(tx: Transaction<Tables>, row: PaymentRow): Promise<void> {
  const money = { amountMinor: row.amountMinor, currency: row.currency }
  for (const transfer of transfersOf({ ...row, money })) {
    const { text, values } = transferStatement(row.tenant, transfer, 'voided', row.updatedAtMs)
    await tx.executeQuery(CompiledQuery.raw(text, [...values]))
  }
}
