import { newId, type PaymentId, type Tenant } from '@ngome/kernel'
import { dispatcherOrigins, hasEnded, paymentStates } from '@ngome/payments'
import type { DispatchablePayment, NewAttempt, PaymentStore } from '@ngome/store'
import type { KeptAttempt, KeptPayment, MemoryPayments } from './memory-payments.ts'
import { tenantKey } from './tenant-key.ts'

/** What the store's functions of the same names answer, without waiting. */
type Now<N extends keyof PaymentStore> = (...args: Parameters<PaymentStore[N]>) => Awaited<ReturnType<PaymentStore[N]>>

export function load(memory: MemoryPayments, ...[tenant, id]: Parameters<PaymentStore['loadPaymentForDispatch']>): DispatchablePayment | undefined {
  const kept = memory.find(tenant, id)
  const dataKey = kept === undefined ? undefined : memory.dataKeys.get(tenantKey(tenant, kept.payment.dataKey))
  if (kept === undefined || dataKey === undefined) return undefined
  const { payment: { apiKey, sealed }, row } = kept
  return {
    ...row, apiKey, sealed, dataKey: { id: dataKey.id, sealed: dataKey.sealed, createdAtMs: dataKey.createdAtMs },
    attempt: copy(memory.attemptOf(tenant, id)),
  }
}

export const prepareIn = (memory: MemoryPayments): Now<'prepareAttempt'> => (tenant, payment, proposed) => {
  const kept = memory.find(tenant, payment)
  if (kept === undefined || hasEnded(kept.row.status)) return undefined
  const attempt = memory.attemptOf(tenant, payment)
  if (attempt !== undefined) {
    attempt.fence++
    return copy(attempt) ?? undefined
  }
  const made = newAttempt(proposed)
  memory.attempts.set(tenantKey(tenant, payment), made)
  return copy(made) ?? undefined
}

function newAttempt({ id, reference, factsProof, atMs }: NewAttempt): KeptAttempt {
  return {
    id, reference, fence: 1, sendings: 0, state: 'prepared', preparedAtMs: atMs, sentAtMs: null, takenAtMs: null, networkReference: null, factsProof,
    isStuck: false,
  }
}

export const markSentIn = (memory: MemoryPayments): Now<'markAttemptSent'> => (tenant, { payment, fence, atMs }, event, prove) => {
  const kept = memory.find(tenant, payment)
  const attempt = memory.attemptOf(tenant, payment)
  if (kept?.row.status !== 'accepted' || attempt?.fence !== fence || attempt.state !== 'prepared') return 'superseded'
  Object.assign(attempt, { state: 'sent', sentAtMs: atMs, sendings: 1 })
  memory.change('dispatcher', kept, { status: 'processing', failure: null, updatedAtMs: atMs }, (told) => prove(told, attempt.factsProof))
  memory.told.push(event)
  return 'marked'
}

export const markNewSentIn = (memory: MemoryPayments): Now<'markNewAttemptSent'> => (tenant, payment, made, event, prove) => {
  if (memory.find(tenant, payment)?.row.status !== 'accepted' || memory.attemptOf(tenant, payment) !== undefined) return 'superseded'
  memory.attempts.set(tenantKey(tenant, payment), newAttempt(made))
  return markSentIn(memory)(tenant, { payment, fence: 1, atMs: made.atMs }, event, prove)
}

export const markSentAgainIn = (memory: MemoryPayments): Now<'markAttemptSentAgain'> => (tenant, { payment, fence, sendings }) => {
  const attempt = memory.attemptOf(tenant, payment)
  if (attempt?.fence !== fence || attempt.state !== 'sent' || attempt.sendings !== sendings) return 'superseded'
  attempt.sendings = sendings + 1
  return 'marked'
}

export const markTakenIn = (memory: MemoryPayments): Now<'markAttemptTaken'> => (tenant, { payment, atMs }) => {
  const attempt = memory.attemptOf(tenant, payment)
  if (attempt?.state === 'sent') attempt.takenAtMs ??= atMs
}

export const markStandingIn = (memory: MemoryPayments): Now<'markStanding'> => (tenant, standing, event, prove) => {
  const kept = memory.find(tenant, standing.payment)
  const attempt = memory.attemptOf(tenant, standing.payment)
  const status = kept?.row.status
  if (kept === undefined || status === undefined || status === 'accepted' || !dispatcherOrigins(standing.status).includes(status)) return 'unchanged'
  if (attempt?.fence !== standing.fence || attempt.state !== 'sent') return 'unchanged'
  memory.change('dispatcher', kept, { status: standing.status, failure: null, updatedAtMs: standing.atMs }, (told) => prove(told, attempt.factsProof))
  memory.told.push(event)
  return 'changed'
}

export const markStuckIn = (memory: MemoryPayments): Now<'markAttemptStuck'> => (tenant, { payment }, event) => {
  const attempt = memory.attemptOf(tenant, payment)
  if (memory.find(tenant, payment)?.row.status !== 'in_doubt' || attempt?.state !== 'sent' || attempt.isStuck) return
  attempt.isStuck = true
  memory.told.push(event)
}

export const recordIn = (memory: MemoryPayments): Now<'recordOutcome'> => (from, tenant, { payment, fence, outcome, event, alarms = [], prove }) => {
  const kept = memory.find(tenant, payment)
  const attempt = memory.attemptOf(tenant, payment)
  const isHeld = fence === null ? attempt === undefined : attempt?.fence === fence && mayEnd(attempt, outcome.status)
  if (kept === undefined || !isHeld) return 'superseded'
  if (!dispatcherOrigins(outcome.status).includes(kept.row.status)) return disagree(kept, fence)
  if (attempt !== undefined) Object.assign(attempt, { state: 'known', networkReference: outcome.status === 'succeeded' ? outcome.networkReference : null })
  const failure = outcome.status === 'failed' ? outcome.failure : null
  const phase = paymentStates[outcome.status].transfers
  memory.ledger.end(payment, phase)
  memory.change('dispatcher', kept, { status: outcome.status, failure, updatedAtMs: from.clock.nowMs() },
    (told) => prove(told, attempt?.factsProof ?? null))
  memory.told.push(...alarms, event)
  return 'recorded'
}

export const reverseIn = (memory: MemoryPayments): Now<'recordReversal'> => (from, tenant, { payment, event, prove, areRefundsReversals }) => {
  const kept = memory.find(tenant, payment)
  if (kept === undefined || !dispatcherOrigins('reversed').includes(kept.row.status)) return 'superseded'
  if (areRefundsReversals && isRefunded(memory, tenant, payment)) return 'superseded'
  const { row } = kept
  memory.ledger.reverse({ ...row, money: { amountMinor: row.amountMinor, currency: row.currency } })
  memory.change('dispatcher', kept, { status: 'reversed', failure: null, updatedAtMs: from.clock.nowMs() },
    (told) => prove(told, memory.attemptOf(tenant, payment)?.factsProof ?? null))
  memory.told.push(event)
  memory.ledger.repay(tenant, row.currency, newId('adjustment', from))
  return 'recorded'
}

export const repayIn = (memory: MemoryPayments): Now<'repayDebts'> => (from) =>
  memory.ledger.debts().filter(({ tenant, currency }) => memory.ledger.repay(tenant, currency, newId('adjustment', from))).length

function isRefunded(memory: MemoryPayments, tenant: Tenant, payment: PaymentId): boolean {
  return (memory.refunds.get(tenantKey(tenant, payment)) ?? []).map((refund) => memory.find(tenant, refund)?.row.status)
    .some((status) => status !== 'failed' && status !== 'cancelled' && status !== 'reversed')
}

/** Money can only have moved for what was sent. */
function mayEnd({ state }: KeptAttempt, status: 'succeeded' | 'failed'): boolean {
  return status === 'succeeded' ? state === 'sent' : state === 'prepared' || state === 'sent'
}

function disagree({ row }: KeptPayment, fence: number | null): 'superseded' {
  if (fence !== null) throw new Error(`attempt and payment disagree about ${row.id}`)
  return 'superseded'
}

function copy(attempt: KeptAttempt | undefined): DispatchablePayment['attempt'] {
  if (attempt === undefined) return null
  const { id: _, ...shown } = attempt
  return shown
}
