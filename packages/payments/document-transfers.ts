import type { AccountKind } from './accounts.ts'

/** What a transfer that is of no payment moves: the whole amount of its document, from which account into which, at once. */
export type DocumentTransferRule = {
  /** A settlement to the merchant (`stl_`), what the operator corrected, or what was repaid of a debt (both `adj_`). */
  readonly document: 'settlement' | 'adjustment' | 'repayment'
  readonly debit: AccountKind
  readonly credit: AccountKind
  /** What it takes must be there. */
  readonly needsCover: boolean
  /** What it gives back must be owed: the account that it credits comes to zero at most. */
  readonly needsDebt: boolean
}

/**
 * Every kind of transfer that is of no payment; the database has a copy of the table, which a test compares. A settlement leaves what is
 * available when it is made, and the books when the bank paid it, or goes back. Adjustments go through `suspense`, where what a network's
 * books and ours differ by waits for who says whose it is. What is owed is repaid by the platform itself, of what is available.
 */
export const documentTransferRules = {
  settlement: { document: 'settlement', debit: 'merchant_available', credit: 'merchant_settlement', needsCover: true, needsDebt: false },
  settlement_paid: { document: 'settlement', debit: 'merchant_settlement', credit: 'operator_bank', needsCover: true, needsDebt: false },
  settlement_returned: { document: 'settlement', debit: 'merchant_settlement', credit: 'merchant_available', needsCover: true, needsDebt: false },
  suspense_in: { document: 'adjustment', debit: 'provider_clearing', credit: 'suspense', needsCover: false, needsDebt: false },
  suspense_out: { document: 'adjustment', debit: 'suspense', credit: 'provider_clearing', needsCover: false, needsDebt: false },
  suspense_to_merchant: { document: 'adjustment', debit: 'suspense', credit: 'merchant_available', needsCover: false, needsDebt: false },
  suspense_from_merchant: { document: 'adjustment', debit: 'merchant_available', credit: 'suspense', needsCover: true, needsDebt: false },
  suspense_to_fees: { document: 'adjustment', debit: 'suspense', credit: 'platform_fees', needsCover: false, needsDebt: false },
  suspense_from_fees: { document: 'adjustment', debit: 'platform_fees', credit: 'suspense', needsCover: false, needsDebt: false },
  suspense_to_debt: { document: 'adjustment', debit: 'suspense', credit: 'merchant_debt', needsCover: false, needsDebt: true },
  suspense_from_debt: { document: 'adjustment', debit: 'merchant_debt', credit: 'suspense', needsCover: false, needsDebt: false },
  debt_repayment: { document: 'repayment', debit: 'merchant_available', credit: 'merchant_debt', needsCover: true, needsDebt: true },
} as const satisfies Readonly<Record<string, DocumentTransferRule>>
export type DocumentTransferKind = keyof typeof documentTransferRules
export type AdjustmentKind = {
  [K in DocumentTransferKind]: (typeof documentTransferRules)[K]['document'] extends 'adjustment' ? K : never
}[DocumentTransferKind]
export const adjustmentKinds: readonly AdjustmentKind[] = (Object.keys(documentTransferRules) as DocumentTransferKind[])
  .filter((kind): kind is AdjustmentKind => documentTransferRules[kind].document === 'adjustment')
