import type { SettlementState, SettlementView } from '@ngome/contracts'
import { formatMoney, type Currency, type SettlementId, type Tenant } from '@ngome/kernel'

/** What of a settlement is shown; the store's rows have it all. */
export type ShownSettlement = {
  readonly id: SettlementId
  readonly tenant: Tenant
  readonly currency: Currency
  readonly amountMinor: bigint
  /** The closed day up to which it is, such as `2026-11-22`. */
  readonly day: string
  readonly state: SettlementState
  /** The bank's, of one that was paid. */
  readonly bankReference: string | null
  /** Why the bank did not pay, of one that failed. */
  readonly failure: string | null
  readonly createdAtMs: number
  readonly updatedAtMs: number
}

/** A settlement as its merchant sees it, in answers and in webhooks. */
export function settlementView(row: ShownSettlement): SettlementView {
  const { id, tenant: { world }, state, amountMinor, currency, day, bankReference, failure, createdAtMs, updatedAtMs } = row
  return {
    id, object: 'settlement', world, status: state, amount: formatMoney({ amountMinor, currency }), currency, day,
    bank_reference: bankReference, failure, created_at: new Date(createdAtMs).toISOString(), updated_at: new Date(updatedAtMs).toISOString(),
  }
}
