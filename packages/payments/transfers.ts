import type { PaymentDirection } from '@ngome/contracts'
import type { Money, PaymentId, Tenant } from '@ngome/kernel'
import { accountFor, type Account, type AccountKind } from './accounts.ts'
import type { DocumentTransferKind } from './document-transfers.ts'

/** What part of a payment a transfer moves: its amount, the operator's fee, or the amount without the fee. */
export const transferShares = ['amount', 'fee', 'net'] as const
export type TransferShare = (typeof transferShares)[number]

/** What a transfer of a kind moves: whose payments' share, from which account into which. */
export type TransferRule = {
  readonly direction: PaymentDirection
  readonly debit: AccountKind
  readonly credit: AccountKind
  readonly share: TransferShare
  /** What it takes must be there: an account is never debited below zero. */
  readonly needsCover: boolean
  /** Whether it gives back what the payment moved, when the payment is reversed. */
  readonly isReversal: boolean
}

/**
 * Every kind of transfer of a payment; the database has a copy of the table, which a test compares. The fee of a collection comes out of what the
 * network owes for it, so that it waits for nobody; that of a payout or a refund is taken of the merchant beside it. Each has a mirror for
 * when the network takes the payment back; what a collection had brought the merchant is owed then, whatever is left of it.
 */
export const transferRules = {
  collection: { direction: 'collection', debit: 'provider_clearing', credit: 'merchant_available', share: 'net', needsCover: false, isReversal: false },
  collection_fee: { direction: 'collection', debit: 'provider_clearing', credit: 'platform_fees', share: 'fee', needsCover: false, isReversal: false },
  payout: { direction: 'payout', debit: 'merchant_available', credit: 'provider_clearing', share: 'amount', needsCover: true, isReversal: false },
  payout_fee: { direction: 'payout', debit: 'merchant_available', credit: 'platform_fees', share: 'fee', needsCover: true, isReversal: false },
  refund: { direction: 'refund', debit: 'merchant_available', credit: 'provider_clearing', share: 'amount', needsCover: true, isReversal: false },
  refund_fee: { direction: 'refund', debit: 'merchant_available', credit: 'platform_fees', share: 'fee', needsCover: true, isReversal: false },
  collection_reversal: { direction: 'collection', debit: 'merchant_debt', credit: 'provider_clearing', share: 'net', needsCover: false, isReversal: true },
  collection_fee_reversal: { direction: 'collection', debit: 'platform_fees', credit: 'provider_clearing', share: 'fee', needsCover: false, isReversal: true },
  payout_reversal: { direction: 'payout', debit: 'provider_clearing', credit: 'merchant_available', share: 'amount', needsCover: false, isReversal: true },
  payout_fee_reversal: { direction: 'payout', debit: 'platform_fees', credit: 'merchant_available', share: 'fee', needsCover: false, isReversal: true },
  refund_reversal: { direction: 'refund', debit: 'provider_clearing', credit: 'merchant_available', share: 'amount', needsCover: false, isReversal: true },
  refund_fee_reversal: { direction: 'refund', debit: 'platform_fees', credit: 'merchant_available', share: 'fee', needsCover: false, isReversal: true },
} as const satisfies Readonly<Record<string, TransferRule>>
export type PaymentTransferKind = keyof typeof transferRules
const paymentTransferKinds = Object.keys(transferRules) as readonly PaymentTransferKind[]

export type TransferKind = PaymentTransferKind | DocumentTransferKind

/**
 * The two phases of a transfer, each a row of its own that never changes: it begins as `pending`, and one end, `posted` or
 * `voided`, says whether the money moved (two-phase transfers, as in TigerBeetle). A correction is another transfer.
 */
export const transferPhases = ['pending', 'posted', 'voided'] as const
export type TransferPhase = (typeof transferPhases)[number]

/** One movement of money, which balances by construction: the same amount leaves one account and enters another. */
export type Transfer = {
  readonly payment: PaymentId
  readonly kind: PaymentTransferKind
  readonly debit: Account
  readonly credit: Account
  readonly money: Money
}

/** What of a payment its transfers follow from. */
export type MovedPayment = {
  readonly id: PaymentId
  readonly direction: PaymentDirection
  readonly tenant: Tenant
  readonly network: string
  readonly money: Money
  /** Minor units; of a collection less than its amount. */
  readonly feeMinor: bigint
}

/** The transfers that a payment begins with: of its money, and of the fee where there is one. */
export function transfersOf(payment: MovedPayment): readonly Transfer[] {
  return movesOf(payment, false)
}

/** The transfers that give back all that a payment posted, so that it comes to nothing in every account together. */
export function reversalsOf(payment: MovedPayment): readonly Transfer[] {
  return movesOf(payment, true)
}

function movesOf(payment: MovedPayment, areReversals: boolean): readonly Transfer[] {
  const { id, tenant, network, money: { currency } } = payment
  return paymentTransferKinds.flatMap((kind) => {
    const { direction, debit, credit, share, isReversal } = transferRules[kind]
    const amountMinor = shareOf(payment, share)
    if (direction !== payment.direction || isReversal !== areReversals || amountMinor === 0n) return []
    return [{
      payment: id,
      kind,
      debit: accountFor(tenant, debit, network, currency),
      credit: accountFor(tenant, credit, network, currency),
      money: { amountMinor, currency },
    }]
  })
}

function shareOf({ money, feeMinor }: MovedPayment, share: TransferShare): bigint {
  switch (share) {
    case 'amount': return money.amountMinor
    case 'fee': return feeMinor
    case 'net': return money.amountMinor - feeMinor
    default: return share satisfies never
  }
}
