import type { PaymentId } from '@ngome/kernel'
import { callbackHintsMax, type PaymentStore } from '@ngome/store'
import { accept } from './accept.ts'
import { approveIn, findUnapproved } from './approve.ts'
import { load, markNewSentIn, markSentAgainIn, markSentIn, markStandingIn, markStuckIn, markTakenIn, prepareIn, recordIn, repayIn, reverseIn } from './dispatch.ts'
import { batchedPayments } from './memory-batch-store.ts'
import type { KeptHint, MemoryPayments } from './memory-payments.ts'
import { tenantKey } from './tenant-key.ts'
import { withdrawIn } from './withdraw.ts'

/** A store of payments without a database: what PostgreSQL's promises, and `store-contract.test.ts` holds both to, each call at once. */
export function memoryStore(memory: MemoryPayments): PaymentStore {
  return {
    ...acceptingStore(memory),
    ...dispatchingStore(memory),
    ...hintStore(memory),
    findOpenPayments: async () => [],
    ...approvalStore(memory),
    ...batchedPayments(memory),
    tell: async (_, event) => void memory.told.push(event),
    scheduleDispatch: async (data, startAfterMs) => memory.onJob({ queue: 'payment-dispatch', data, startAfterMs }),
    scheduleEnquiry: async ({ turn, takenAtMs, ...data }, startAfterMs) => {
      const key = tenantKey(data, data.payment)
      if (takenAtMs !== undefined) markTakenIn(memory)(data, { payment: data.payment, atMs: takenAtMs })
      if (memory.attempts.get(key)?.state !== 'sent' || (memory.turns.get(key) ?? 0) !== turn) return 'superseded'
      memory.turns.set(key, turn + 1)
      memory.onJob({ queue: 'payment-enquire', data: { ...data, turn: turn + 1 }, startAfterMs })
      return 'scheduled'
    },
  }
}

function approvalStore(memory: MemoryPayments): Pick<PaymentStore, 'findPayoutApproval' | 'approvePayout' | 'findUnapprovedPayouts'> {
  return {
    findPayoutApproval: async (tenant, payment) => {
      const approval = memory.approvals.get(tenantKey(tenant, payment))
      return approval === undefined ? { asked: null, answer: null } : { ...approval }
    },
    approvePayout: async (...args) => approveIn(memory)(...args),
    findUnapprovedPayouts: async (search) => findUnapproved(memory, search),
  }
}

type AcceptingStore = Pick<PaymentStore, 'insertDataKey' | 'acceptPayment' | 'withdrawPayment' | 'findPayment' | 'findPayments' | 'findBalances' | 'findSigningKey'>

function acceptingStore(memory: MemoryPayments): AcceptingStore {
  return {
    insertDataKey: async (key) => {
      const name = tenantKey(key.tenant, key.id)
      if (!memory.dataKeys.has(name)) memory.dataKeys.set(name, key)
    },
    acceptPayment: async (acceptance) => accept(memory, acceptance),
    withdrawPayment: async (...args) => withdrawIn(memory)(...args),
    findPayment: async (tenant, id) => memory.find(tenant, id)?.row,
    findPayments: async (tenant, ids) => {
      const found = ids.map((id) => memory.find(tenant, id)?.row).filter((row) => row !== undefined)
      return new Map(found.map((row): [PaymentId, typeof row] => [row.id, row]))
    },
    findBalances: async (tenant) => memory.ledger.balances(tenant),
    findSigningKey: async (tenant, id) => memory.signingKeys.get(tenantKey(tenant, id)),
  }
}

type DispatchingStore = Pick<
  PaymentStore, 'loadPaymentForDispatch' | 'loadPaymentsForDispatch' | 'claimAuthorization' | 'prepareAttempt' | 'markAttemptSent' | 'markNewAttemptSent' | 'markAttemptSentAgain' | 'markAttemptTaken' |
  'markAttemptStuck' | 'markStanding' | 'noteNextAction' | 'recordOutcome' | 'recordReversal' | 'repayDebts'
>

function dispatchingStore(memory: MemoryPayments): DispatchingStore {
  return {
    loadPaymentForDispatch: async (tenant, id) => load(memory, tenant, id),
    loadPaymentsForDispatch: async (tenant, ids) => ids.map((id) => load(memory, tenant, id)).filter((payment) => payment !== undefined),
    claimAuthorization: async (tenant, { payment, digest, spokenAtMs }) => {
      const [word, subject] = [tenantKey(tenant, Buffer.from(digest).toString('hex')), tenantKey(tenant, payment)]
      const counted = memory.authorized.get(subject)
      if (counted !== undefined) return counted === word ? 'claimed' : 'spent'
      const spoken = memory.spoken.get(word) ?? []
      if (spoken.some((atMs) => isOneWord(atMs, spokenAtMs))) return 'spent'
      memory.authorized.set(subject, word)
      memory.spoken.set(word, [...spoken, spokenAtMs])
      return 'claimed'
    },
    prepareAttempt: async (...args) => prepareIn(memory)(...args),
    markAttemptSent: async (...args) => markSentIn(memory)(...args),
    markNewAttemptSent: async (...args) => markNewSentIn(memory)(...args),
    markAttemptSentAgain: async (...args) => markSentAgainIn(memory)(...args),
    markAttemptTaken: async (...args) => markTakenIn(memory)(...args),
    markAttemptStuck: async (...args) => markStuckIn(memory)(...args),
    noteNextAction: async () => { throw new TypeError('no payer here is sent anywhere') },
    markStanding: async (...args) => markStandingIn(memory)(...args),
    recordOutcome: async (...args) => recordIn(memory)(...args),
    recordReversal: async (...args) => reverseIn(memory)(...args),
    repayDebts: async (...args) => repayIn(memory)(...args),
  }
}

/** As the database's guard has it: a word that was signed 29 days before or after is another. */
function isOneWord(oneAtMs: number | null, otherAtMs: number | null): boolean {
  return oneAtMs === null || otherAtMs === null || Math.abs(oneAtMs - otherAtMs) < 29 * 86_400_000
}

function hintStore(memory: MemoryPayments): Pick<PaymentStore, 'recordCallbackHint' | 'loadPaymentForEnquiry' | 'judgeHint'> {
  const hintsOf = (key: string): KeptHint[] => {
    let hints = memory.hints.get(key)
    if (hints === undefined) memory.hints.set(key, hints = [])
    return hints
  }
  return {
    recordCallbackHint: async (tenant, hint, event) => {
      if (memory.find(tenant, hint.payment) === undefined) return 'unknown'
      const hints = hintsOf(tenantKey(tenant, hint.payment))
      if (hints.length >= callbackHintsMax) return 'full'
      hints.push({ id: hint.id, payment: hint.payment, dataKey: hint.dataKey, sealed: hint.sealed, isJudged: false })
      memory.told.push(event)
      memory.onJob({ queue: 'payment-enquire', data: { ...tenant, payment: hint.payment }, startAfterMs: 0 })
      return 'recorded'
    },
    loadPaymentForEnquiry: async (tenant, id) => {
      const payment = load(memory, tenant, id)
      const hints = hintsOf(tenantKey(tenant, id)).filter(({ isJudged }) => !isJudged).map((hint) => ({
        id: hint.id, sealed: hint.sealed, dataKey: { id: hint.dataKey, sealed: memory.dataKeys.get(tenantKey(tenant, hint.dataKey))?.sealed ?? new Uint8Array() },
      }))
      return payment && { payment, hints }
    },
    judgeHint: async (tenant, { id, payment }, judge) => {
      const hint = hintsOf(tenantKey(tenant, payment)).find((one) => one.id === id)
      if (hint === undefined || hint.isJudged) return
      hint.isJudged = true
      const finding = judge(memory.find(tenant, payment)?.row.status)
      if (finding !== null) memory.told.push(finding)
    },
  }
}
