import type { Event, JobData } from '@ngome/contracts'
import { systemClock, type AttemptId, type CallbackHintId, type DataKeyId, type MerchantSigningKeyId, type PaymentId, type Tenant } from '@ngome/kernel'
import { canTransition, paymentTransitions, type ObjectEvent } from '@ngome/payments'
import type { Acceptance, Attempt, NewPayment, PaymentRow, PayoutApproval, ProvableEvent, SigningKeyRow } from '@ngome/store'
import { MemoryBatches } from './memory-batches.ts'
import { MemoryEvents } from './memory-events.ts'
import { MemoryLedger } from './memory-ledger.ts'
import { MemoryWebhooks } from './memory-webhooks.ts'
import { tenantKey } from './tenant-key.ts'

export type KeptPayment = { row: PaymentRow; readonly payment: NewPayment }
export type KeptAttempt = { -readonly [K in keyof Attempt]: Attempt[K] } & { readonly id: AttemptId }
export type KeptDataKey = { readonly id: DataKeyId; readonly tenant: Tenant; readonly sealed: Uint8Array; readonly createdAtMs: number }
export type KeptHint = { readonly id: CallbackHintId; readonly payment: PaymentId; readonly dataKey: DataKeyId; readonly sealed: Uint8Array; isJudged: boolean }
export type KeptApproval = { readonly asked: NonNullable<PayoutApproval['asked']>; answer: PayoutApproval['answer'] }
export type KeptAnswer = Pick<Acceptance['idempotency'], 'fingerprint' | 'answer'>
type PaymentQueue = 'payment-dispatch' | 'payment-enquire' | 'payout-part' | 'webhook-deliver'
export type Job = { readonly [Q in PaymentQueue]: { readonly queue: Q; readonly data: JobData<Q>; readonly startAfterMs: number } }[PaymentQueue]

/** What a store of payments holds, in memory. Each change of it is made at once and as a whole. */
export class MemoryPayments {
  readonly batches = new MemoryBatches()
  readonly ledger = new MemoryLedger()
  readonly webhooks = new MemoryWebhooks((data, startAfterMs) => this.onJob({ queue: 'webhook-deliver', data, startAfterMs }))
  readonly events = new MemoryEvents((payment, told) => this.webhooks.tell(payment, told))
  /** What the operator was told. */
  readonly told: Event[] = []
  readonly payments = new Map<string, KeptPayment>()
  readonly attempts = new Map<string, KeptAttempt>()
  /** Of each attempt, the turn of its last enquiry that was planned. */
  readonly turns = new Map<string, number>()
  readonly dataKeys = new Map<string, KeptDataKey>()
  readonly signingKeys = new Map<string, SigningKeyRow>()
  readonly answers = new Map<string, KeptAnswer>()
  readonly nonces = new Set<string>()
  readonly hints = new Map<string, KeptHint[]>()
  /** Which word each payment was counted by, and when each word that was counted was signed. */
  readonly authorized = new Map<string, string>()
  readonly spoken = new Map<string, (number | null)[]>()
  readonly refunds = new Map<string, PaymentId[]>()
  readonly approvals = new Map<string, KeptApproval>()
  /** Gets each job when what made it is committed. */
  onJob: (job: Job) => void = () => undefined
  /** The store's own clock, which no process sets. */
  nowMs: () => number = () => systemClock.nowMs()

  addSigningKey(tenant: Tenant, id: MerchantSigningKeyId, row: SigningKeyRow): void {
    this.signingKeys.set(tenantKey(tenant, id), row)
  }

  find(tenant: Tenant, id: PaymentId): KeptPayment | undefined {
    return this.payments.get(tenantKey(tenant, id))
  }

  attemptOf(tenant: Tenant, id: PaymentId): KeptAttempt | undefined {
    return this.attempts.get(tenantKey(tenant, id))
  }

  /** Changes a payment's state as the database's triggers let this process. */
  change(
    by: 'gateway' | 'dispatcher', kept: KeptPayment, change: Pick<PaymentRow, 'status' | 'failure' | 'updatedAtMs'>,
    prove: (event: ObjectEvent, previous: ProvableEvent | null) => Uint8Array | null,
  ): void {
    const { status: from } = kept.row
    const isAllowed = canTransition(from, change.status)
      && paymentTransitions.some((allowed) => allowed.from === from && allowed.to === change.status && allowed.by === by)
    if (!isAllowed) throw new Error(`a payment cannot go from ${from} to ${change.status} by ${by}`)
    kept.row = { ...kept.row, ...change }
    this.events.change(kept.row, prove)
  }
}
