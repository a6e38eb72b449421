import type { PaymentId, Tenant } from '@ngome/kernel'
import type { ApprovalAnswer, PaymentStore } from '@ngome/store'
import type { KeptPayment, MemoryPayments } from './memory-payments.ts'
import { tenantKey } from './tenant-key.ts'

/** As `approvePayout` of the store. */
export const approveIn = (memory: MemoryPayments): (...args: Parameters<PaymentStore['approvePayout']>) => Awaited<ReturnType<PaymentStore['approvePayout']>> =>
  (tenant, { payment, answer, atMs, event, prove }) => {
    const kept = memory.find(tenant, payment)
    if (kept === undefined) return { kind: 'unknown' }
    if (kept.row.status !== 'awaiting_approval') {
      const before = memory.approvals.get(tenantKey(tenant, payment))?.answer
      const isSame = before?.decision === 'approved' && before.keyLine === answer.keyLine
      return { kind: isSame ? 'approved' : 'not_awaiting', row: kept.row }
    }
    answerApproval(memory, tenant, kept, answer, atMs)
    memory.change('gateway', kept, { status: 'accepted', failure: null, updatedAtMs: atMs }, prove)
    memory.onJob({ queue: 'payment-dispatch', data: { ...tenant, payment }, startAfterMs: 0 })
    memory.told.push(event)
    return { kind: 'approved', row: kept.row }
  }

/** As the database's guard has it: only what waits is answered, once, and nobody answers himself. */
export function answerApproval(memory: MemoryPayments, tenant: Tenant, { row }: KeptPayment, answer: ApprovalAnswer, atMs: number): void {
  const approval = memory.approvals.get(tenantKey(tenant, row.id))
  const isOther = approval !== undefined && approval.asked.keyLine !== answer.keyLine && approval.asked.signingKey !== answer.signingKey
  if (row.status !== 'awaiting_approval' || !isOther) throw Object.assign(new Error('whoever asked answers nothing'), { code: 'NG001' })
  approval.answer = { ...answer, atMs }
}

/** Of all tenants, the oldest first, by the store's own clock. */
export function findUnapproved(
  memory: MemoryPayments, { olderThanMs, limit }: { readonly olderThanMs: number; readonly limit: number },
): readonly { readonly tenant: Tenant; readonly payment: PaymentId }[] {
  const beforeMs = memory.nowMs() - olderThanMs
  return [...memory.approvals.keys()].map((key) => memory.payments.get(key)?.row)
    .filter((row) => row !== undefined)
    .filter(({ status, createdAtMs }) => status === 'awaiting_approval' && createdAtMs < beforeMs)
    .toSorted((one, other) => one.createdAtMs - other.createdAtMs).slice(0, limit)
    .map(({ tenant, id }) => ({ tenant, payment: id }))
}
