import type { Event, JobData } from '@ngome/contracts'
import type { Tenant } from '@ngome/kernel'
import { loadPaymentForEnquiry } from './callbacks/load-payment-for-enquiry.ts'
import { judgeHint } from './callbacks/judge-hint.ts'
import { recordCallbackHint } from './callbacks/record-callback-hint.ts'
import type { Database } from './database.ts'
import { claimAuthorization } from './dispatch/claim-authorization.ts'
import { findOpenPayments } from './dispatch/find-open-payments.ts'
import { loadPaymentForDispatch, loadPaymentsForDispatch } from './dispatch/load-payment.ts'
import { markAttemptSentAgain } from './dispatch/mark-attempt-sent-again.ts'
import { markAttemptSent, markNewAttemptSent } from './dispatch/mark-attempt-sent.ts'
import { markAttemptStuck } from './dispatch/mark-attempt-stuck.ts'
import { markAttemptTaken } from './dispatch/mark-attempt-taken.ts'
import { markStanding } from './dispatch/mark-standing.ts'
import { noteNextAction } from './dispatch/note-next-action.ts'
import { prepareAttempt } from './dispatch/prepare-attempt.ts'
import { recordOutcome } from './dispatch/record-outcome.ts'
import { recordReversal } from './dispatch/record-reversal.ts'
import { scheduleEnquiry } from './dispatch/schedule-enquiry.ts'
import { appendEvent } from './events/append-event.ts'
import { enqueue } from './jobs/enqueue.ts'
import { repayDebts } from './ledger/repay-debts.ts'
import { acceptPayment } from './payments/accept-payment.ts'
import { approvePayout } from './payments/approve-payout.ts'
import { findPayoutApproval } from './payments/payout-approvals.ts'
import { findUnapprovedPayouts } from './dispatch/find-unapproved-payouts.ts'
import { findBalances } from './payments/find-balances.ts'
import { findPayment } from './payments/find-payment.ts'
import { findPayments } from './payments/find-payments.ts'
import { insertDataKey } from './payments/insert-data-key.ts'
import { withdrawPayment } from './payments/withdraw-payment.ts'
import { claimBatchWord, findBatchWord, loadBatchOpening } from './payouts/batch-openings.ts'
import { findBatchApproval } from './payouts/batch-approvals.ts'
import { claimPartWord } from './payouts/claim-part-word.ts'
import { expirePayoutBatch, findUndecidedBatches } from './payouts/decide-payout-batch.ts'
import { loadPayoutPart } from './payouts/load-payout-part.ts'
import { findSigningKey } from './signing/find-signing-key.ts'
import { inTenantPrepared } from './transaction.ts'

/** A function of the store, for those who have no database but one of its promises. */
export type Bound<F> = F extends (db: Database, ...rest: infer A) => infer R ? (...args: A) => R : never

/**
 * Everything that a payment's way through gateway and dispatcher needs of a store. Each call is one transaction: it happens as a whole
 * or not at all, and an error leaves open which. PostgreSQL's is {@link postgresPayments}; the simulation has one in memory, and both
 * pass the same contract tests.
 */
export type PaymentStore = {
  readonly insertDataKey: Bound<typeof insertDataKey>
  readonly acceptPayment: Bound<typeof acceptPayment>
  readonly withdrawPayment: Bound<typeof withdrawPayment>
  readonly findPayoutApproval: Bound<typeof findPayoutApproval>
  readonly approvePayout: Bound<typeof approvePayout>
  readonly findUnapprovedPayouts: Bound<typeof findUnapprovedPayouts>
  readonly findPayment: Bound<typeof findPayment>
  readonly findPayments: Bound<typeof findPayments>
  readonly findBalances: Bound<typeof findBalances>
  readonly findSigningKey: Bound<typeof findSigningKey>
  readonly recordCallbackHint: Bound<typeof recordCallbackHint>
  readonly loadPaymentForEnquiry: Bound<typeof loadPaymentForEnquiry>
  readonly judgeHint: Bound<typeof judgeHint>
  readonly loadPaymentForDispatch: Bound<typeof loadPaymentForDispatch>
  readonly loadPaymentsForDispatch: Bound<typeof loadPaymentsForDispatch>
  readonly claimAuthorization: Bound<typeof claimAuthorization>
  readonly loadBatchOpening: Bound<typeof loadBatchOpening>
  readonly findBatchWord: Bound<typeof findBatchWord>
  readonly claimBatchWord: Bound<typeof claimBatchWord>
  readonly loadPayoutPart: Bound<typeof loadPayoutPart>
  readonly claimPartWord: Bound<typeof claimPartWord>
  readonly findBatchApproval: Bound<typeof findBatchApproval>
  readonly findUndecidedBatches: Bound<typeof findUndecidedBatches>
  readonly expirePayoutBatch: Bound<typeof expirePayoutBatch>
  readonly prepareAttempt: Bound<typeof prepareAttempt>
  readonly markAttemptSent: Bound<typeof markAttemptSent>
  readonly markNewAttemptSent: Bound<typeof markNewAttemptSent>
  readonly markAttemptSentAgain: Bound<typeof markAttemptSentAgain>
  readonly markAttemptTaken: Bound<typeof markAttemptTaken>
  readonly markAttemptStuck: Bound<typeof markAttemptStuck>
  readonly markStanding: Bound<typeof markStanding>
  readonly noteNextAction: Bound<typeof noteNextAction>
  readonly recordOutcome: Bound<typeof recordOutcome>
  readonly recordReversal: Bound<typeof recordReversal>
  readonly repayDebts: Bound<typeof repayDebts>
  readonly scheduleEnquiry: Bound<typeof scheduleEnquiry>
  readonly findOpenPayments: Bound<typeof findOpenPayments>
  /** Tells the operator of what was found out about a payment, where nothing else is written. @throws Fault `store/unavailable` */
  readonly tell: (tenant: Tenant, event: Event) => Promise<void>
  /** Has a payment sent that could not be yet, after so long. @throws Fault `store/unavailable` */
  readonly scheduleDispatch: (data: JobData<'payment-dispatch'>, startAfterMs: number) => Promise<void>
}

export function postgresPayments(db: Database): PaymentStore {
  return {
    insertDataKey: insertDataKey.bind(null, db),
    acceptPayment: acceptPayment.bind(null, db),
    withdrawPayment: withdrawPayment.bind(null, db),
    findPayoutApproval: findPayoutApproval.bind(null, db),
    approvePayout: approvePayout.bind(null, db),
    findUnapprovedPayouts: findUnapprovedPayouts.bind(null, db),
    findPayment: findPayment.bind(null, db),
    findPayments: findPayments.bind(null, db),
    findBalances: findBalances.bind(null, db),
    findSigningKey: findSigningKey.bind(null, db),
    recordCallbackHint: recordCallbackHint.bind(null, db),
    loadPaymentForEnquiry: loadPaymentForEnquiry.bind(null, db),
    judgeHint: judgeHint.bind(null, db),
    loadPaymentForDispatch: loadPaymentForDispatch.bind(null, db),
    loadPaymentsForDispatch: loadPaymentsForDispatch.bind(null, db),
    claimAuthorization: claimAuthorization.bind(null, db),
    loadBatchOpening: loadBatchOpening.bind(null, db),
    findBatchWord: findBatchWord.bind(null, db),
    claimBatchWord: claimBatchWord.bind(null, db),
    loadPayoutPart: loadPayoutPart.bind(null, db),
    claimPartWord: claimPartWord.bind(null, db),
    findBatchApproval: findBatchApproval.bind(null, db),
    findUndecidedBatches: findUndecidedBatches.bind(null, db),
    expirePayoutBatch: expirePayoutBatch.bind(null, db),
    prepareAttempt: prepareAttempt.bind(null, db),
    markAttemptSent: markAttemptSent.bind(null, db),
    markNewAttemptSent: markNewAttemptSent.bind(null, db),
    markAttemptSentAgain: markAttemptSentAgain.bind(null, db),
    markAttemptTaken: markAttemptTaken.bind(null, db),
    markAttemptStuck: markAttemptStuck.bind(null, db),
    markStanding: markStanding.bind(null, db),
    noteNextAction: noteNextAction.bind(null, db),
    recordOutcome: recordOutcome.bind(null, db),
    recordReversal: recordReversal.bind(null, db),
    repayDebts: repayDebts.bind(null, db),
    scheduleEnquiry: scheduleEnquiry.bind(null, db),
    findOpenPayments: findOpenPayments.bind(null, db),
    tell: (tenant, event) => inTenantPrepared(db, tenant, (tx) => appendEvent(tx, event)),
    scheduleDispatch: (data, startAfterMs) => inTenantPrepared(db, data, (tx) => enqueue(tx, 'payment-dispatch', data, { startAfterMs })),
  }
}
