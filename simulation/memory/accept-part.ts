import type { PartAcceptance, PartOutcome } from '@ngome/store'
import { before, begin, claim, foreignKeyViolation } from './accept.ts'
import { rowKey, type KeptBatch } from './memory-batches.ts'
import type { MemoryPayments } from './memory-payments.ts'
import { tenantKey } from './tenant-key.ts'

/** As `acceptPayoutPart` of the store: all of it or nothing, refused in the same order. */
export function acceptPart(memory: MemoryPayments, acceptance: PartAcceptance): PartOutcome {
  const { tenant, part, rows, idempotency } = acceptance
  // A day belongs to an API key, which this store has none of.
  if (acceptance.dayTotal !== null) throw new TypeError('no key here has a cap')
  const answered = before(memory, tenant, idempotency)
  if (answered !== undefined) return answered
  const batch = memory.batches.find(tenant, part.batch)
  const isSealed = [part, ...rows.map(({ payment }) => payment)].every(({ dataKey }) => memory.dataKeys.has(tenantKey(tenant, dataKey)))
  if (batch === undefined || !isSealed) throw foreignKeyViolation()
  const refused = refuse(memory, batch, acceptance)
  if (refused !== undefined) return { kind: refused }
  claim(memory, tenant, idempotency)
  for (const { payment, event, eventProof } of rows) begin(memory, { tenant, payment, event, eventProof })
  memory.batches.take(batch, { ...part, tenant, rows: rows.map(({ payment }) => payment.id) },
    rows.map(({ payment: { id, reference, money: { amountMinor } } }) => ({ id, reference, amountMinor })))
  if (rows[0]?.payment.status === 'accepted') memory.onJob({ queue: 'payout-part', data: { ...tenant, part: part.id }, startAfterMs: 0 })
  return { kind: 'accepted' }
}

type Refusal = 'part_taken' | 'not_covered' | 'reference_taken' | 'closed' | 'exceeds_declared'

function refuse(memory: MemoryPayments, { row: batch, answer }: KeptBatch, { tenant, part, rows }: PartAcceptance): Refusal | undefined {
  const { batches, ledger } = memory
  if (batches.partsOf(tenant, part.batch).some(({ number }) => number === part.number)) return 'part_taken'
  if (!ledger.covers(...rows.map(({ payment }) => ({ ...payment, tenant })))) return 'not_covered'
  const references = rows.map(({ payment }) => payment.reference)
  if (new Set(references).size < rows.length || references.some((reference) => batches.rows.has(rowKey(tenant, part.batch, reference)))) return 'reference_taken'
  if (batch.isCancelled || answer !== null) return 'closed'
  const isFit = rows.every(({ payment: { direction, status, money } }) =>
    direction === 'payout' && money.currency === batch.currency && (status === 'awaiting_approval') === batch.needsApproval)
  if (!isFit) throw Object.assign(new Error('rows that are not of this batch'), { code: 'NG001' })
  const count = batch.acceptedCount + rows.length
  const minor = rows.reduce((sum, { payment }) => sum + payment.money.amountMinor, batch.acceptedMinor)
  const isPast = count > batch.declaredCount || minor > batch.declaredMinor || (count === batch.declaredCount) !== (minor === batch.declaredMinor)
  return isPast ? 'exceeds_declared' : undefined
}
