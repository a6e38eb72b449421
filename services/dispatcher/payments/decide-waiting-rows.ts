import { emit, type FailureCode, type JobData } from '@ngome/contracts'
import type { PayoutBatchId, PayoutBatchPartId, Tenant } from '@ngome/kernel'
import { proveNextEvent } from '@ngome/payments'
import { eventSource, type BatchDispatcher } from '../dispatcher.ts'
import { changeProver } from '../webhooks/prove-change.ts'
import { openPart } from './open-part.ts'
import { proveBatchApproval, type BatchApprovalProof } from './prove-batch-approval.ts'
import { proveOpening } from './prove-opening.ts'
import { proveKey, refused } from './prove-signed-request.ts'

/**
 * What is done first with a part whose batch needed a second person and was decided: its rows go on once the approval is proven for this part, or
 * fail, all in one transaction. Every row is proven again, with the part's own signature, before it is sent.
 * @returns `later` where the custodian opens nothing now
 * @throws Fault `custodian/unavailable`, `custodian/refused`, `store/unavailable`
 */
export async function decideWaitingRows(
  dispatcher: BatchDispatcher, { part, merchant, world }: JobData<'payout-part'>, signal: AbortSignal,
): Promise<'decided' | 'later'> {
  const tenant = { merchant, world }
  const found = await dispatcher.batches.findPartDecision(tenant, part)
  if (found === undefined) return 'decided'
  if (found.decision !== 'approved') {
    await failRows(dispatcher, tenant, part, found.decision === 'refused' ? 'approval_refused' : 'approval_expired')
    return 'decided'
  }
  const proof = await prove(dispatcher, tenant, found.batch, part, signal)
  if (proof.kind === 'later') return 'later'
  if (proof.kind === 'proven') await letRowsGoOn(dispatcher, tenant, found.batch, part)
  else {
    dispatcher.logger.error({ part, batch: found.batch, reason: proof.reason }, 'no second person approved this part')
    await failRows(dispatcher, tenant, part, 'record_refused')
  }
  return 'decided'
}

async function prove(
  dispatcher: BatchDispatcher, tenant: Tenant, batch: PayoutBatchId, id: PayoutBatchPartId, signal: AbortSignal,
): Promise<BatchApprovalProof | { readonly kind: 'later' }> {
  const opened = await openPart(dispatcher, tenant, id, signal)
  if (opened.kind === 'later') return opened
  if (opened.kind === 'unopenable') return refused(opened.reason)
  const { part } = opened
  const opening = await proveOpening(dispatcher, tenant, batch, signal)
  if (opening.kind !== 'proven') return opening
  const orderedBy = await proveKey(dispatcher, tenant, part.word.key)
  if (typeof orderedBy === 'string') return refused(orderedBy)
  return proveBatchApproval(dispatcher, tenant, part, { word: opening.word, openedBy: opening.key, orderedBy })
}

async function letRowsGoOn(dispatcher: BatchDispatcher, tenant: Tenant, batch: PayoutBatchId, part: PayoutBatchPartId): Promise<void> {
  const { batches, callbacks, clock, logger } = dispatcher
  const rows = await batches.changeWaitingRows(tenant, part, {
    to: { status: 'accepted' }, atMs: clock.nowMs(),
    events: (payment) => [emit(eventSource(dispatcher), 'payout.approved', tenant, { payment, status: 'accepted' })],
    // Nothing of them was opened: what their first events were proven with is what they still are.
    prove: (event, previous) => proveNextEvent(callbacks.secret, event, previous),
  })
  logger.info({ part, batch, rows }, 'rows of a batch that a second person approved go on')
}

async function failRows(dispatcher: BatchDispatcher, tenant: Tenant, part: PayoutBatchPartId, failure: FailureCode): Promise<void> {
  const { batches, callbacks, clock, logger } = dispatcher
  const from = eventSource(dispatcher)
  const isRefused = failure === 'record_refused'
  const proveRefused = changeProver(dispatcher)
  const rows = await batches.changeWaitingRows(tenant, part, {
    to: { status: 'failed', failure }, atMs: clock.nowMs(),
    events: (payment) => [
      ...isRefused ? [emit(from, 'payment.mismatch', tenant, { payment, fields: ['approval'] })] : [],
      emit(from, 'payout.failed', tenant, { payment, status: 'failed', failure }),
    ],
    prove: (event, previous) => isRefused ? proveRefused(event, null) : proveNextEvent(callbacks.secret, event, previous),
  })
  logger.info({ part, rows, failure }, 'rows of a batch that waited for a second person failed')
}
