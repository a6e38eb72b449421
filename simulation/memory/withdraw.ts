import { gatewayOrigins } from '@ngome/payments'
import type { PaymentStore } from '@ngome/store'
import { answerApproval } from './approve.ts'
import type { MemoryPayments } from './memory-payments.ts'

/** As `withdrawPayment` of the store. */
export const withdrawIn = (memory: MemoryPayments): (...args: Parameters<PaymentStore['withdrawPayment']>) => Awaited<ReturnType<PaymentStore['withdrawPayment']>> =>
  (tenant, { payment, to, refusal, atMs, event, prove }) => {
    const kept = memory.find(tenant, payment)
    if (kept === undefined) return { kind: 'unknown' }
    const failure = to.status === 'failed' ? to.failure : null
    if (kept.row.status === to.status && kept.row.failure === failure) return { kind: 'withdrawn', row: kept.row }
    if (!gatewayOrigins(to.status).includes(kept.row.status)) return { kind: 'too_late', row: kept.row }
    if (refusal !== undefined) answerApproval(memory, tenant, kept, refusal, atMs)
    memory.ledger.end(payment, 'voided')
    memory.change('gateway', kept, { status: to.status, failure, updatedAtMs: atMs }, prove)
    memory.told.push(event)
    return { kind: 'withdrawn', row: kept.row }
  }
