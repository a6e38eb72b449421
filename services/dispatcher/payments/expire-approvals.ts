import { emit } from '@ngome/contracts'
import { proveNextEvent } from '@ngome/payments'
import { eventSource, type PaymentDispatcher } from '../dispatcher.ts'

/** Payouts in one look: each is a transaction, and the next look is a minute away. */
const expiredMax = 500
/** Batches in one look: each is a transaction with a job for each of its parts. */
const expiredBatchesMax = 20

/**
 * Fails payouts that no second person approved or refused in time; what was reserved is available again. Rows of a batch fail by the jobs of its parts.
 * @throws Fault `store/unavailable`
 */
export async function expireApprovals(dispatcher: PaymentDispatcher, signal: AbortSignal): Promise<void> {
  const { payments, approvals, callbacks, clock, logger } = dispatcher
  const left = await payments.findUnapprovedPayouts({ olderThanMs: approvals.expiresAfterMs, limit: expiredMax })
  for (const { tenant, payment } of left) {
    if (signal.aborted) return
    const outcome = await payments.withdrawPayment(tenant, {
      payment,
      to: { status: 'failed', failure: 'approval_expired' },
      atMs: clock.nowMs(),
      event: emit(eventSource(dispatcher), 'payout.failed', tenant, { payment, status: 'failed', failure: 'approval_expired' }),
      // Nothing of it was opened: what its first event was proven with is what it still is.
      prove: (event, previous) => proveNextEvent(callbacks.secret, event, previous),
    })
    logger.info({ payment, outcome: outcome.kind }, 'nobody approved a payout in time')
  }
  await expireBatches(dispatcher, signal)
}

async function expireBatches(dispatcher: PaymentDispatcher, signal: AbortSignal): Promise<void> {
  const { payments, approvals, clock, logger } = dispatcher
  const left = await payments.findUndecidedBatches({ olderThanMs: approvals.expiresAfterMs, limit: expiredBatchesMax })
  for (const { tenant, batch } of left) {
    if (signal.aborted) return
    const isExpired = await payments.expirePayoutBatch(tenant, {
      batch, atMs: clock.nowMs(), event: emit(eventSource(dispatcher), 'payout_batch.approval_expired', tenant, { batch }),
    })
    logger.info({ batch, isExpired }, 'nobody approved a batch in time')
  }
}
