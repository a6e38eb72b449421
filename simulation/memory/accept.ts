import { equalsInConstantTime, type PaymentId, type Tenant } from '@ngome/kernel'
import { hasEnded } from '@ngome/payments'
import type { Acceptance, AcceptanceOutcome, IdempotentOutcome, NewPayment, PaymentRow } from '@ngome/store'
import type { MemoryPayments } from './memory-payments.ts'
import { tenantKey } from './tenant-key.ts'

/** As `acceptPayment` of the store: all of it or nothing, refused in the same order. */
export function accept(memory: MemoryPayments, acceptance: Acceptance): AcceptanceOutcome {
  const { tenant, payment, idempotency } = acceptance
  // A day belongs to an API key, which this store has none of.
  if (acceptance.dayTotal !== null) throw new TypeError('no key here has a cap')
  const answered = before(memory, tenant, idempotency)
  if (answered !== undefined) return answered
  if (!memory.dataKeys.has(tenantKey(tenant, payment.dataKey))) throw foreignKeyViolation()
  const refused = refuse(memory, acceptance)
  if (refused !== undefined) return { kind: refused }
  claim(memory, tenant, idempotency)
  begin(memory, acceptance)
  if (acceptance.askedBy !== undefined) memory.approvals.set(tenantKey(tenant, payment.id), { asked: { ...acceptance.askedBy, atMs: payment.createdAtMs }, answer: null })
  if (payment.original !== null) refundsOf(memory, acceptance).push(payment.id)
  if (payment.status === 'accepted') memory.onJob({ queue: 'payment-dispatch', data: { ...tenant, payment: payment.id }, startAfterMs: 0 })
  return { kind: 'accepted' }
}

/** What a repetition gets, or a signature that came before; `undefined` of what comes first. */
export function before(memory: MemoryPayments, tenant: Tenant, idempotency: Acceptance['idempotency']): IdempotentOutcome | undefined {
  const nonce = nonceKey(tenant, idempotency)
  if (nonce !== undefined && memory.nonces.has(nonce)) return { kind: 'nonce_seen' }
  return memory.answers.has(claimKey(tenant, idempotency)) ? findAnswerIn(memory, tenant, idempotency) : undefined
}

/** Claims a key with its effect, and spends the nonce. */
export function claim(memory: MemoryPayments, tenant: Tenant, idempotency: Acceptance['idempotency']): void {
  const nonce = nonceKey(tenant, idempotency)
  if (nonce !== undefined) memory.nonces.add(nonce)
  memory.answers.set(claimKey(tenant, idempotency), { fingerprint: idempotency.fingerprint, answer: idempotency.answer })
}

type Beginning = Pick<Acceptance, 'tenant' | 'payment' | 'event' | 'eventProof'>

/** A payment with its transfers and its first event. */
export function begin(memory: MemoryPayments, beginning: Beginning): void {
  const { tenant, payment, event, eventProof } = beginning
  const row = rowOf(beginning)
  memory.payments.set(tenantKey(tenant, payment.id), { row, payment })
  memory.events.begin(row, eventProof)
  memory.ledger.begin({ ...payment, tenant })
  memory.told.push(event)
}

/** As `findAnswer` of the store: a signed repetition spends its nonce for the answer. */
export function findAnswerIn(memory: MemoryPayments, tenant: Tenant, claim: Omit<Acceptance['idempotency'], 'answer'>): IdempotentOutcome {
  const kept = memory.answers.get(claimKey(tenant, claim))
  if (kept === undefined) return { kind: 'in_flight' }
  const nonce = nonceKey(tenant, claim)
  if (nonce !== undefined && memory.nonces.has(nonce)) return { kind: 'nonce_seen' }
  if (nonce !== undefined) memory.nonces.add(nonce)
  return equalsInConstantTime(kept.fingerprint, claim.fingerprint) ? { kind: 'replay', ...kept.answer } : { kind: 'key_reused' }
}

function refuse(memory: MemoryPayments, acceptance: Acceptance): 'not_refundable' | 'refund_exceeds' | 'not_covered' | undefined {
  const { tenant, payment } = acceptance
  if (payment.direction === 'refund') {
    const collection = payment.original === null ? undefined : memory.find(tenant, payment.original)?.row
    if (collection === undefined || !isRefundable(collection, payment)) return 'not_refundable'
    const standing = refundsOf(memory, acceptance).map((id) => memory.find(tenant, id)?.row)
      .filter((row) => row !== undefined && row.status !== 'failed' && row.status !== 'cancelled' && row.status !== 'reversed')
    const given = standing.reduce((sum, row) => sum + (row?.amountMinor ?? 0n), 0n)
    if (given + payment.money.amountMinor > collection.amountMinor) return 'refund_exceeds'
  }
  return memory.ledger.covers({ ...payment, tenant }) ? undefined : 'not_covered'
}

function isRefundable(collection: PaymentRow, refund: NewPayment): boolean {
  return collection.direction === 'collection' && collection.status === 'succeeded' && hasEnded(collection.status)
    && collection.network === refund.network && collection.currency === refund.money.currency && collection.payerMasked === refund.payerMasked
}

function refundsOf(memory: MemoryPayments, { tenant, payment }: Acceptance): PaymentId[] {
  const key = tenantKey(tenant, payment.original ?? '')
  let refunds = memory.refunds.get(key)
  if (refunds === undefined) memory.refunds.set(key, refunds = [])
  return refunds
}

function claimKey(tenant: Tenant, { keyHash }: Pick<Acceptance['idempotency'], 'keyHash'>): string {
  return tenantKey(tenant, Buffer.from(keyHash).toString('hex'))
}

function nonceKey(tenant: Tenant, { nonce }: Pick<Acceptance['idempotency'], 'nonce'>): string | undefined {
  return nonce === undefined ? undefined : tenantKey(tenant, `${nonce.keyId}/${nonce.nonce}`)
}

function rowOf({ tenant, payment }: Beginning): PaymentRow {
  return {
    id: payment.id, tenant, status: payment.status, failure: null, direction: payment.direction, network: payment.network,
    currency: payment.money.currency, amountMinor: payment.money.amountMinor, feeMinor: payment.feeMinor, reference: payment.reference,
    payerMasked: payment.payerMasked, original: payment.original, createdAtMs: payment.createdAtMs, updatedAtMs: payment.createdAtMs,
  }
}

/** What a row that refers to nothing gets of PostgreSQL. */
export function foreignKeyViolation(): Error {
  return Object.assign(new Error('a row refers to nothing'), { code: '23503' })
}
