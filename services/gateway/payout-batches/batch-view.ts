import type { PayoutBatchStatus, PayoutBatchView } from '@ngome/contracts'
import { formatMoney, type Secret } from '@ngome/kernel'
import { batchDigestKey, partsDigest, type ApprovalRules } from '@ngome/payments'
import type { BatchApproval, BatchStanding, BatchStore, PayoutBatchRow } from '@ngome/store'
import { approvalView } from '../payouts/get-payout.ts'

export type ShowBatchPorts = {
  readonly batches: BatchStore
  readonly approvals: Pick<ApprovalRules, 'expiresAfterMs'>
  /** Shared with the dispatcher, which computes the same of the parts that it opens. */
  readonly eventSecret: Secret<Uint8Array>
}

/** A batch as its merchant sees it, with what of it there is to approve. */
export async function showBatch(ports: ShowBatchPorts, batch: PayoutBatchRow, standing: readonly BatchStanding[]): Promise<PayoutBatchView> {
  return batchView(ports, batch, standing, batch.needsApproval ? await ports.batches.findBatchApproval(batch.tenant, batch.id) : null)
}

/** @param approval of a batch that needs one */
export function batchView(
  { approvals, eventSecret }: Omit<ShowBatchPorts, 'batches'>, batch: PayoutBatchRow, standing: readonly BatchStanding[], approval: BatchApproval | null,
): PayoutBatchView {
  const { currency } = batch
  const total = (amountMinor: bigint): string => formatMoney({ amountMinor, currency })
  const { asked = null, answer = null } = approval ?? {}
  return {
    id: batch.id, object: 'payout_batch', world: batch.tenant.world, status: statusOf(batch, standing, answer), reference: batch.reference, currency,
    count: batch.declaredCount, total: total(batch.declaredMinor),
    accepted: { count: batch.acceptedCount, total: total(batch.acceptedMinor) },
    by_status: standing.map(({ status, count, totalMinor }) => ({ status, count, total: total(totalMinor) })),
    ...approval === null || asked === null ? {} : {
      approval: {
        ...approvalView(asked, answer?.decision === 'expired' ? null : answer, batch.createdAtMs + approvals.expiresAfterMs),
        parts_digest: digestOf(eventSecret, batch, approval),
      },
    },
    created_at: new Date(batch.createdAtMs).toISOString(), updated_at: new Date(batch.updatedAtMs).toISOString(),
  }
}

/** What a second person signs for: `null` while rows may still come. */
export function digestOf(secret: Secret<Uint8Array>, { id, tenant, acceptedCount, declaredCount }: PayoutBatchRow, { parts }: BatchApproval): string | null {
  return acceptedCount === declaredCount ? Buffer.from(partsDigest(batchDigestKey(secret, tenant, id), parts)).toString('hex') : null
}

function statusOf(batch: PayoutBatchRow, standing: readonly BatchStanding[], answer: BatchApproval['answer']): PayoutBatchStatus {
  if (batch.isCancelled) return standing.some(({ status }) => status === 'accepted' || status === 'awaiting_approval') ? 'cancelling' : 'cancelled'
  if (answer?.decision === 'refused' || answer?.decision === 'expired') return answer.decision
  if (batch.acceptedCount < batch.declaredCount) return 'open'
  return batch.needsApproval && answer === null ? 'awaiting_approval' : 'complete'
}
