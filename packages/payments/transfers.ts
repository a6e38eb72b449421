import type { PaymentStatus } from '@ngome/contracts'
import { newId, type Clock, type Money, type PaymentId, type Random, type Tenant, type TransferId } from '@ngome/kernel'
import { accountFor, type Account } from './accounts.ts'

export const transferKinds = ['collection'] as const
export type TransferKind = (typeof transferKinds)[number]

export const transferStates = ['pending', 'posted', 'voided'] as const
export type TransferState = (typeof transferStates)[number]

export type TransferTransition = { readonly from: TransferState; readonly to: TransferState }

/** A transfer is settled once; a correction is another transfer. */
export const transferTransitions: readonly TransferTransition[] = Object.freeze([
  { from: 'pending', to: 'posted' },
  { from: 'pending', to: 'voided' },
])

/** One movement of money, which balances by construction: the same amount leaves one account and enters another. */
export type NewTransfer = {
  readonly id: TransferId
  readonly payment: PaymentId
  readonly kind: TransferKind
  readonly debit: Account
  readonly credit: Account
  readonly money: Money
}

/** The transfer that a collection makes: the network comes to owe us, and we come to owe the merchant. */
export function collectionTransfer(
  from: { readonly clock: Clock; readonly random: Random },
  payment: { readonly id: PaymentId; readonly tenant: Tenant; readonly network: string; readonly money: Money },
): NewTransfer {
  const { tenant, network, money } = payment
  return {
    id: newId('transfer', from),
    payment: payment.id,
    kind: 'collection',
    debit: accountFor(tenant, 'provider_clearing', network, money.currency),
    credit: accountFor(tenant, 'merchant_available', network, money.currency),
    money,
  }
}

/** The state that a payment's transfer must have: money that moved is posted, money that did not is voided. */
export function transferStateOf(status: PaymentStatus): TransferState {
  switch (status) {
    case 'accepted':
    case 'processing':
      return 'pending'
    case 'succeeded':
      return 'posted'
    case 'failed':
      return 'voided'
    default:
      return status satisfies never
  }
}
