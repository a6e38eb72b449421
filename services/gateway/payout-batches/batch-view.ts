import type { PayoutBatchStatus, PayoutBatchView } from '@ngome/contracts'
import { formatMoney } from '@ngome/kernel'
import type { BatchStanding, PayoutBatchRow } from '@ngome/store'

/** A batch as its merchant sees it. */
export function batchView(batch: PayoutBatchRow, standing: readonly BatchStanding[]): PayoutBatchView {
  const { currency } = batch
  const total = (amountMinor: bigint): string => formatMoney({ amountMinor, currency })
  return {
    id: batch.id, object: 'payout_batch', world: batch.tenant.world, status: statusOf(batch, standing), reference: batch.reference, currency,
    count: batch.declaredCount, total: total(batch.declaredMinor),
    accepted: { count: batch.acceptedCount, total: total(batch.acceptedMinor) },
    by_status: standing.map(({ status, count, totalMinor }) => ({ status, count, total: total(totalMinor) })),
    created_at: new Date(batch.createdAtMs).toISOString(), updated_at: new Date(batch.updatedAtMs).toISOString(),
  }
}

function statusOf({ isCancelled, acceptedCount, declaredCount }: PayoutBatchRow, standing: readonly BatchStanding[]): PayoutBatchStatus {
  if (isCancelled) return standing.some(({ status }) => status === 'accepted' || status === 'awaiting_approval') ? 'cancelling' : 'cancelled'
  return acceptedCount === declaredCount ? 'complete' : 'open'
}
