import type { PaymentStatus } from '@ngome/contracts'
import { equalsInConstantTime, type PaymentId, type PayoutBatchId, type PayoutBatchPartId, type Tenant } from '@ngome/kernel'
import type { BatchStore, PaymentStore, RowsChange } from '@ngome/store'
import { before, claim, foreignKeyViolation } from './accept.ts'
import { acceptPart } from './accept-part.ts'
import { rowKey, type KeptBatch, type KeptPart } from './memory-batches.ts'
import type { KeptPayment, MemoryPayments } from './memory-payments.ts'
import { tenantKey } from './tenant-key.ts'

/** As `postgresBatches`, without a database. */
export function memoryBatchStore(memory: MemoryPayments): BatchStore {
  const { batches } = memory
  return {
    insertPayoutBatch: async (batch, event, idempotency) => {
      const { tenant } = batch
      const answered = before(memory, tenant, idempotency)
      if (answered !== undefined) return answered
      if (batches.byReference.has(tenantKey(tenant, batch.reference))) return { kind: 'already_opened' }
      if (!memory.dataKeys.has(tenantKey(tenant, batch.opening.dataKey))) throw foreignKeyViolation()
      claim(memory, tenant, idempotency)
      batches.open(batch)
      memory.told.push(event)
      return { kind: 'accepted' }
    },
    findBatchOfReference: async (tenant, reference) => batches.byReference.get(tenantKey(tenant, reference)),
    findPayoutBatch: async (tenant, id) => batches.find(tenant, id)?.row,
    findPayoutBatchStanding: async (tenant, id) => {
      const batch = batches.find(tenant, id)?.row
      return batch && { batch, standing: standingOf(memory, tenant, id) }
    },
    findTakenReferences: async (tenant, batch, references) => new Set(references.filter((reference) => batches.rows.has(rowKey(tenant, batch, reference)))),
    findBatchApproval: async (tenant, batch) => findApproval(memory, tenant, batch),
    acceptPayoutPart: async (acceptance) => acceptPart(memory, acceptance),
    ...cancellingStore(memory),
    decidePayoutBatch: async (...args) => decideIn(memory)(...args),
    ...sendingStore(memory),
  }
}

/** What of batches the jobs of payments need. */
export function batchedPayments(
  memory: MemoryPayments,
): Pick<PaymentStore, 'loadBatchOpening' | 'findBatchWord' | 'claimBatchWord' | 'loadPayoutPart' | 'claimPartWord' | 'findBatchApproval' | 'findUndecidedBatches' | 'expirePayoutBatch'> {
  const { batches } = memory
  return {
    loadBatchOpening: async (tenant, batch) => {
      const kept = batches.find(tenant, batch)
      const dataKey = kept && memory.dataKeys.get(tenantKey(tenant, kept.opening.dataKey))
      if (kept === undefined || dataKey === undefined) return undefined
      const { reference, currency, declaredCount: count, declaredMinor: totalMinor, createdAtMs } = kept.row
      return { batch, sealed: kept.opening.blob, createdAtMs, written: { reference, currency, count, totalMinor }, dataKey }
    },
    findBatchWord: async (tenant, batch) => batches.words.get(tenantKey(tenant, batch)),
    claimBatchWord: async (tenant, { batch, reference, currency, count, totalMinor, signingKey }) => batches.claim(tenant, { batch, reference, currency, count, totalMinor, signingKey }),
    loadPayoutPart: async (tenant, id) => {
      const part = batches.part(tenant, id)
      const dataKey = part && memory.dataKeys.get(tenantKey(tenant, part.dataKey))
      return part === undefined || dataKey === undefined ? undefined
        : { id, tenant, batch: part.batch, number: part.number, sealed: part.sealed, createdAtMs: part.createdAtMs, dataKey }
    },
    claimPartWord: async (tenant, word) => {
      const words = batches.claimPart(tenant, word)
      const counted = words.find(({ number }) => number === word.number)
      if (counted === undefined || !equalsInConstantTime(counted.digest, word.digest)) return { kind: 'other' }
      const ofCurrency = words.filter(({ total }) => total.currency === word.total.currency)
      return {
        kind: 'claimed', batchCount: words.reduce((sum, { count }) => sum + count, 0), batchMinor: ofCurrency.reduce((sum, { total }) => sum + total.amountMinor, 0n),
      }
    },
    findBatchApproval: async (tenant, batch) => findApproval(memory, tenant, batch),
    findUndecidedBatches: async ({ olderThanMs, limit }) => [...batches.all.values()]
      .filter(({ row, answer }) => row.needsApproval && answer === null && row.createdAtMs < memory.nowMs() - olderThanMs)
      .toSorted((one, other) => one.row.createdAtMs - other.row.createdAtMs).slice(0, limit)
      .map(({ row }) => ({ tenant: row.tenant, batch: row.id })),
    expirePayoutBatch: async (tenant, { batch: id, atMs, event }) => {
      const batch = batches.find(tenant, id)
      if (batch?.row.needsApproval !== true) throw refusedByGuard('nothing waits for an approval here')
      if (batch.answer !== null) return false
      batch.answer = { decision: 'expired', atMs }
      enqueueParts(memory, batch)
      memory.told.push(event)
      return true
    },
  }
}

function cancellingStore(memory: MemoryPayments): Pick<BatchStore, 'cancelPayoutBatch' | 'cancelBatchRows'> {
  const { batches } = memory
  return {
    cancelPayoutBatch: async (tenant, id, atMs, event) => {
      const batch = batches.find(tenant, id)
      if (batch === undefined) return false
      if (batch.row.isCancelled) return true
      batch.row = { ...batch.row, isCancelled: true, updatedAtMs: atMs }
      memory.told.push(event)
      return true
    },
    cancelBatchRows: async (tenant, { batch, limit, atMs, event, prove }) => {
      const rows = inOrder(memory, tenant, batches.rowsOf(tenant, batch)).filter(({ row }) => row.status === 'accepted' || row.status === 'awaiting_approval').slice(0, limit)
      changeRows(memory, 'gateway', rows, { to: { status: 'cancelled' }, atMs, events: (payment) => [event(payment)], prove })
      return rows.length
    },
  }
}

function sendingStore(memory: MemoryPayments): Pick<BatchStore, 'findPartDecision' | 'changeWaitingRows' | 'findRowsToSend' | 'findUnaskedRows' | 'schedulePart'> {
  const { batches } = memory
  const rowsOf = (tenant: Tenant, part: PayoutBatchPartId): readonly KeptPayment[] => inOrder(memory, tenant, batches.part(tenant, part)?.rows ?? [])
  const waiting = (tenant: Tenant, part: PayoutBatchPartId): readonly KeptPayment[] => rowsOf(tenant, part).filter(({ row }) => row.status === 'awaiting_approval')
  const batchOf = (tenant: Tenant, part: KeptPart | undefined): KeptBatch | undefined => part && batches.find(tenant, part.batch)
  return {
    findPartDecision: async (tenant, part) => {
      const batch = batchOf(tenant, batches.part(tenant, part))
      const decision = batch?.answer?.decision
      if (batch === undefined || decision === undefined || (decision === 'approved' && batch.row.isCancelled)) return undefined
      return waiting(tenant, part).length === 0 ? undefined : { batch: batch.row.id, decision }
    },
    changeWaitingRows: async (tenant, part, change) => {
      const rows = waiting(tenant, part)
      const isApproved = batchOf(tenant, batches.part(tenant, part))?.answer?.decision === 'approved'
      if (rows.length > 0 && change.to.status === 'accepted' && !isApproved) throw refusedByGuard('this payout is not let go on')
      changeRows(memory, 'dispatcher', rows, change)
      return rows.length
    },
    findRowsToSend: async (tenant, part, { after, limit }) => batchOf(tenant, batches.part(tenant, part))?.row.isCancelled !== false ? []
      : rowsOf(tenant, part).filter(({ row }) => row.status === 'accepted' && row.id > (after ?? '')).slice(0, limit).map(({ row }) => row.id),
    findUnaskedRows: async (tenant, part) => rowsOf(tenant, part).filter(({ row }) => (row.status === 'processing' || row.status === 'in_doubt')
      && memory.attemptOf(tenant, row.id)?.state === 'sent' && (memory.turns.get(tenantKey(tenant, row.id)) ?? 0) === 0).map(({ row }) => row.id),
    schedulePart: async (data, startAfterMs) => memory.onJob({ queue: 'payout-part', data, startAfterMs }),
  }
}

const decideIn = (memory: MemoryPayments): (...args: Parameters<BatchStore['decidePayoutBatch']>) => Awaited<ReturnType<BatchStore['decidePayoutBatch']>> =>
  (tenant, { batch: id, answer, atMs, event }) => {
    const batch = memory.batches.find(tenant, id)
    if (batch === undefined) return 'unknown'
    const { row, asked, answer: given } = batch
    if (given !== null) return given.decision === answer.decision && 'keyLine' in given && given.keyLine === answer.keyLine ? 'decided' : 'not_awaiting'
    if (!row.needsApproval || row.isCancelled || row.acceptedCount !== row.declaredCount) return 'not_awaiting'
    // As the database's guard has it.
    const orderers = [...asked === null ? [] : [asked], ...memory.batches.approvable(tenant, id)]
    if (asked === null || orderers.some(({ keyLine, signingKey }) => keyLine === answer.keyLine || signingKey === answer.signingKey)) throw refusedByGuard('whoever asked answers nothing')
    batch.answer = { ...answer, atMs }
    enqueueParts(memory, batch)
    memory.told.push(event)
    return 'decided'
  }

function enqueueParts(memory: MemoryPayments, { row: { tenant, id } }: KeptBatch): void {
  for (const { id: part } of memory.batches.partsOf(tenant, id)) memory.onJob({ queue: 'payout-part', data: { ...tenant, part }, startAfterMs: 0 })
}

function changeRows(memory: MemoryPayments, by: 'gateway' | 'dispatcher', rows: readonly KeptPayment[], { to, atMs, events, prove }: RowsChange): void {
  for (const kept of rows) {
    if (to.status !== 'accepted') memory.ledger.end(kept.row.id, 'voided')
    memory.change(by, kept, { status: to.status, failure: to.status === 'failed' ? to.failure : null, updatedAtMs: atMs }, prove)
    memory.told.push(...events(kept.row.id))
  }
}

function findApproval(memory: MemoryPayments, tenant: Tenant, id: PayoutBatchId): Awaited<ReturnType<BatchStore['findBatchApproval']>> {
  const { asked = null, answer = null } = memory.batches.find(tenant, id) ?? {}
  return { asked, answer, parts: memory.batches.approvable(tenant, id) }
}

function standingOf(memory: MemoryPayments, tenant: Tenant, id: PayoutBatchId) {
  const sums = new Map<PaymentStatus, { readonly status: PaymentStatus; readonly count: number; readonly totalMinor: bigint }>()
  for (const { row: { status, amountMinor } } of inOrder(memory, tenant, memory.batches.rowsOf(tenant, id))) {
    const { count, totalMinor } = sums.get(status) ?? { count: 0, totalMinor: 0n }
    sums.set(status, { status, count: count + 1, totalMinor: totalMinor + amountMinor })
  }
  return [...sums.values()].toSorted((one, other) => one.status < other.status ? -1 : 1)
}

/** In the order of their ids. */
function inOrder(memory: MemoryPayments, tenant: Tenant, ids: readonly PaymentId[]): readonly KeptPayment[] {
  return ids.toSorted().map((id) => memory.find(tenant, id)).filter((kept) => kept !== undefined)
}

function refusedByGuard(why: string): Error {
  return Object.assign(new Error(why), { code: 'NG001' })
}
