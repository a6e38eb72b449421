import type { ApprovalRules } from '@ngome/payments'
import { findVaultToken, listOrigins, postgresBatches, withNextActions, type Database, type PaymentStore } from '@ngome/store'
import type { Call, Handlers } from '../http/call.ts'
import type { ListPorts } from '../http/shown-rows.ts'
import { repeatInMaintenance } from '../idempotency/repeat-in-maintenance.ts'
import { addPayouts } from '../payout-batches/add-payouts.ts'
import { cancelPayoutBatch } from '../payout-batches/cancel-payout-batch.ts'
import { createPayoutBatch } from '../payout-batches/create-payout-batch.ts'
import { approvePayoutBatch, refusePayoutBatch } from '../payout-batches/decide-payout-batch.ts'
import { getPayoutBatch } from '../payout-batches/get-payout-batch.ts'
import { createPayout } from '../payouts/create-payout.ts'
import { approvePayout, refusePayout } from '../payouts/decide-payout.ts'
import { getPayout } from '../payouts/get-payout.ts'
import { listPayouts } from '../payouts/list-payouts.ts'
import { createRefund } from '../refunds/create-refund.ts'
import { getRefund } from '../refunds/get-refund.ts'
import { listRefunds } from '../refunds/list-refunds.ts'
import { cancelPayment, cancelPayout, cancelRefund } from './cancel-payment.ts'
import type { CardPorts } from './collect-by-card.ts'
import { createPayment } from './create-payment.ts'
import { getPayment } from './get-payment.ts'
import { listPayments } from './list-payments.ts'
import { PaymentReader } from './payment-reader.ts'
import type { PlaceOrderPorts } from './place-order.ts'

type MoneyOperation = 'createPayment' | 'getPayment' | 'listPayments' | 'cancelPayment' | 'createPayout' | 'getPayout' | 'listPayouts' | 'cancelPayout'
  | 'approvePayout' | 'refusePayout' | 'createPayoutBatch' | 'addPayouts' | 'getPayoutBatch' | 'cancelPayoutBatch' | 'approvePayoutBatch' | 'refusePayoutBatch'
  | 'createRefund' | 'getRefund' | 'listRefunds' | 'cancelRefund'

export type MoneyPorts = PlaceOrderPorts & ListPorts & {
  readonly database: Database
  readonly payments: PaymentStore
  readonly approvals: ApprovalRules
}

/** The handlers of what moves money, whichever way. */
export function moneyHandlers(from: MoneyPorts): Pick<Handlers, MoneyOperation> {
  const { database, clock } = from
  const cards: CardPorts = {
    findToken: (tenant, id) => findVaultToken(database, tenant, id, clock.nowMs()),
    listOrigins: (tenant) => listOrigins(database, tenant),
  }
  const reading = { reader: new PaymentReader(from.payments) }
  const batching = { ...from, batches: postgresBatches(database) }
  return {
    createPayment: repeatInMaintenance(
      from, (call: Call<'createPayment'>) => createPayment({ ...from, cards }, call), ({ body }) => body.payer.card !== undefined,
    ),
    getPayment: (call) => getPayment({ ...reading, withNextActions: withNextActions.bind(null, from.database) }, call),
    listPayments: (call) => listPayments(from, call),
    cancelPayment: (call) => cancelPayment(from, call),
    createPayout: repeatInMaintenance(from, (call: Call<'createPayout'>) => createPayout(from, call)),
    getPayout: (call) => getPayout({ ...from, ...reading }, call),
    listPayouts: (call) => listPayouts(from, call),
    approvePayout: (call) => approvePayout(from, call),
    refusePayout: (call) => refusePayout(from, call),
    cancelPayout: (call) => cancelPayout(from, call),
    createRefund: repeatInMaintenance(from, (call: Call<'createRefund'>) => createRefund({ ...from, ...reading }, call)),
    createPayoutBatch: (call) => createPayoutBatch(batching, call),
    addPayouts: repeatInMaintenance(from, (call: Call<'addPayouts'>) => addPayouts(batching, call)),
    getPayoutBatch: (call) => getPayoutBatch(batching, call),
    cancelPayoutBatch: (call) => cancelPayoutBatch(batching, call),
    approvePayoutBatch: (call) => approvePayoutBatch(batching, call),
    refusePayoutBatch: (call) => refusePayoutBatch(batching, call),
    getRefund: (call) => getRefund(reading, call),
    listRefunds: (call) => listRefunds(from, call),
    cancelRefund: (call) => cancelRefund(from, call),
  }
}
