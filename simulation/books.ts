import type { DeliveryState, FailureCode, PaymentDirection, PaymentStatus } from '@ngome/contracts'
import type { Currency, MerchantId, Money, PaymentId, PayoutBatchId, PayoutBatchPartId } from '@ngome/kernel'
import { ledgerProblems, unrepaidOf } from './memory/ledger-problems.ts'
import type { MemoryPayments } from './memory/memory-payments.ts'

/** A payment as a store has it in the end. */
export type FinalPayment = {
  readonly id: PaymentId
  readonly merchant: MerchantId
  readonly direction: PaymentDirection
  readonly status: PaymentStatus
  readonly failure: FailureCode | null
  readonly money: Money
  readonly reference: string | null
  readonly original: PaymentId | null
  /** Whether a person was told that nobody knows. */
  readonly isStuck: boolean
  /** Statuses that its events tell of, in order, with the number of each. */
  readonly told: readonly { readonly sequence: number; readonly status: PaymentStatus }[]
}

/** A batch as a store has it in the end. */
export type FinalBatch = {
  readonly id: PayoutBatchId
  readonly merchant: MerchantId
  readonly reference: string
  readonly currency: Currency
  readonly declared: Counted
  readonly accepted: Counted
  readonly rows: readonly { readonly part: PayoutBatchPartId; readonly reference: string; readonly payment: PaymentId }[]
}
type Counted = { readonly count: number; readonly minor: bigint }

/** What was to be told of a change, and whether it was. */
export type FinalDelivery = { readonly payment: string; readonly sequence: number; readonly state: DeliveryState; readonly isReplayed: boolean }

/** What can be looked at from outside of a store, for the claims of a run. */
export type Books = {
  /** Payments that have not ended and that no person was told of. */
  readonly openPayments: () => Promise<number>
  readonly payments: () => Promise<readonly FinalPayment[]>
  readonly batches: () => Promise<readonly FinalBatch[]>
  /** What does not add up in the ledger. */
  readonly ledgerProblems: () => Promise<readonly string[]>
  /** Accounts of which something is owed, and could be repaid. */
  readonly unrepaid: () => Promise<readonly string[]>
  readonly alarms: () => Promise<readonly string[]>
  readonly deliveries: () => Promise<readonly FinalDelivery[]>
}

export function memoryBooks(memory: MemoryPayments): Books {
  const payments = (): readonly FinalPayment[] => [...memory.payments.values()].map(({ row }) => {
    const attempt = memory.attemptOf(row.tenant, row.id)
    return {
      id: row.id, merchant: row.tenant.merchant, direction: row.direction, status: row.status, failure: row.failure,
      money: row, reference: attempt?.reference ?? null, original: row.original,
      isStuck: attempt?.isStuck ?? false,
      told: memory.events.of(row.id).map(({ event }) => ({ sequence: event.sequence, status: (event.facts as { status: PaymentStatus }).status })),
    }
  })
  return {
    openPayments: async () => [...memory.payments.values()].filter(({ row }) =>
      isOpen(row.status) && !(row.status === 'in_doubt' && memory.attemptOf(row.tenant, row.id)?.isStuck === true)).length,
    payments: async () => payments(),
    batches: async () => [...memory.batches.all.values()].map(({ row }) => ({
      id: row.id, merchant: row.tenant.merchant, reference: row.reference, currency: row.currency,
      declared: { count: row.declaredCount, minor: row.declaredMinor }, accepted: { count: row.acceptedCount, minor: row.acceptedMinor },
      rows: memory.batches.partsOf(row.tenant, row.id).flatMap(({ id: part, rows }) =>
        rows.map((payment) => ({ part, payment, reference: memory.find(row.tenant, payment)?.row.reference ?? '' }))),
    })),
    ledgerProblems: async () => [...memory.ledger.problems(), ...ledgerProblems([...memory.payments.values()].map(({ row }) => row), memory.ledger.rows)],
    unrepaid: async () => unrepaidOf(memory.ledger.rows),
    deliveries: async () => memory.webhooks.all().map(({ payment, told: { event: { sequence } }, state, replays }) => ({ payment, sequence, state, isReplayed: replays > 0 })),
    alarms: async () => memory.told.map(({ type }) => type).filter(isAlarmType),
  }
}

export function isOpen(status: PaymentStatus): boolean {
  return status === 'awaiting_approval' || status === 'accepted' || status === 'processing' || status === 'in_doubt'
}

/** What tells the operator of a record that somebody changed. */
export function isAlarmType(type: string): boolean {
  return type === 'payment.mismatch' || type === 'payment.unopenable'
}
