import type { JobData } from '@ngome/contracts'
import type { Database } from './database.ts'
import { enqueue } from './jobs/enqueue.ts'
import type { Bound } from './payment-store.ts'
import { acceptPayoutPart } from './payouts/accept-payout-part.ts'
import { findBatchApproval } from './payouts/batch-approvals.ts'
import { cancelBatchRows, cancelPayoutBatch } from './payouts/cancel-payout-batch.ts'
import { decidePayoutBatch } from './payouts/decide-payout-batch.ts'
import { findRowsToSend, findUnaskedRows } from './payouts/find-part-rows.ts'
import { findBatchOfReference, findPayoutBatch, findPayoutBatchStanding, findTakenReferences, insertPayoutBatch } from './payouts/payout-batches.ts'
import { changeWaitingRows, findPartDecision } from './payouts/waiting-rows.ts'
import { inTenant } from './transaction.ts'

/** What batches of payouts are kept by: each call is one transaction, as of a `PaymentStore`, and the simulation has one in memory. */
export type BatchStore = {
  readonly insertPayoutBatch: Bound<typeof insertPayoutBatch>
  readonly findBatchOfReference: Bound<typeof findBatchOfReference>
  readonly findPayoutBatch: Bound<typeof findPayoutBatch>
  readonly findPayoutBatchStanding: Bound<typeof findPayoutBatchStanding>
  readonly findTakenReferences: Bound<typeof findTakenReferences>
  readonly findBatchApproval: Bound<typeof findBatchApproval>
  readonly acceptPayoutPart: Bound<typeof acceptPayoutPart>
  readonly cancelPayoutBatch: Bound<typeof cancelPayoutBatch>
  readonly cancelBatchRows: Bound<typeof cancelBatchRows>
  readonly decidePayoutBatch: Bound<typeof decidePayoutBatch>
  readonly findPartDecision: Bound<typeof findPartDecision>
  readonly changeWaitingRows: Bound<typeof changeWaitingRows>
  readonly findRowsToSend: Bound<typeof findRowsToSend>
  readonly findUnaskedRows: Bound<typeof findUnaskedRows>
  /** Has a part gone on with, after so long. @throws Fault `store/unavailable` */
  readonly schedulePart: (data: JobData<'payout-part'>, startAfterMs: number) => Promise<void>
}

export function postgresBatches(db: Database): BatchStore {
  return {
    insertPayoutBatch: insertPayoutBatch.bind(null, db),
    findBatchOfReference: findBatchOfReference.bind(null, db),
    findPayoutBatch: findPayoutBatch.bind(null, db),
    findPayoutBatchStanding: findPayoutBatchStanding.bind(null, db),
    findTakenReferences: findTakenReferences.bind(null, db),
    findBatchApproval: findBatchApproval.bind(null, db),
    acceptPayoutPart: acceptPayoutPart.bind(null, db),
    cancelPayoutBatch: cancelPayoutBatch.bind(null, db),
    cancelBatchRows: cancelBatchRows.bind(null, db),
    decidePayoutBatch: decidePayoutBatch.bind(null, db),
    findPartDecision: findPartDecision.bind(null, db),
    changeWaitingRows: changeWaitingRows.bind(null, db),
    findRowsToSend: findRowsToSend.bind(null, db),
    findUnaskedRows: findUnaskedRows.bind(null, db),
    schedulePart: async (data, startAfterMs) => {
      await inTenant(db, data, (tx) => enqueue(tx, 'payout-part', data, { startAfterMs }))
      if (startAfterMs === 0) db.wake('payout-part')
    },
  }
}
