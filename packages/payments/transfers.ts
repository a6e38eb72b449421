import type { PaymentDirection, PaymentStatus } from '@ngome/contracts'
import type { Money, PaymentId, Tenant } from '@ngome/kernel'
import { accountFor, type Account, type AccountKind } from './accounts.ts'

/** What a transfer of a kind moves: from which account into which, and under which rule. */
export type TransferRule = {
  readonly debit: AccountKind
  readonly credit: AccountKind
  /** It moves all of its payment's amount. */
  readonly isWhole: boolean
  /** What it takes must be there: an account is never debited below zero. */
  readonly needsCover: boolean
}

/** Every kind of transfer; the database has a copy of the table, which a test compares. */
export const transferRules = {
  collection: { debit: 'provider_clearing', credit: 'merchant_available', isWhole: true, needsCover: false },
  payout: { debit: 'merchant_available', credit: 'provider_clearing', isWhole: true, needsCover: true },
  refund: { debit: 'merchant_available', credit: 'provider_clearing', isWhole: true, needsCover: true },
} as const satisfies Readonly<Record<string, TransferRule>>
export type TransferKind = keyof typeof transferRules
export const transferKinds = Object.keys(transferRules) as readonly TransferKind[]

/**
 * The two phases of a transfer, each a row of its own that never changes: it begins as `pending`, and one end, `posted` or
 * `voided`, says whether the money moved (two-phase transfers, as in TigerBeetle). A correction is another transfer.
 */
export const transferPhases = ['pending', 'posted', 'voided'] as const
export type TransferPhase = (typeof transferPhases)[number]

/** One movement of money, which balances by construction: the same amount leaves one account and enters another. */
export type Transfer = {
  readonly payment: PaymentId
  readonly kind: TransferKind
  readonly debit: Account
  readonly credit: Account
  readonly money: Money
}

/** The transfer that a payment makes of all its money. */
export function transferOf(
  payment: { readonly id: PaymentId; readonly direction: PaymentDirection; readonly tenant: Tenant; readonly network: string; readonly money: Money },
): Transfer {
  const { id, direction, tenant, network, money } = payment
  const { debit, credit } = transferRules[direction]
  return {
    payment: id,
    kind: direction,
    debit: accountFor(tenant, debit, network, money.currency),
    credit: accountFor(tenant, credit, network, money.currency),
    money,
  }
}

/** The phase that a payment's transfer must be in: money that moved is posted, money that did not is voided. */
export function transferPhaseOf(status: PaymentStatus): TransferPhase {
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
