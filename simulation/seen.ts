import type { PaymentId, PayoutBatchId, PayoutBatchPartId } from '@ngome/kernel'

/** What was decided about a payment, as an answer told whoever asked for it. */
export type Decision = { readonly payment: string; readonly word: 'approved' | 'refused' | 'cancelled' }

/** A batch that was opened: parts that were answered, by their numbers, and what its answers said of it. */
export type SeenBatch = {
  readonly id: PayoutBatchId
  readonly parts: Map<number, { readonly id: PayoutBatchPartId; readonly references: readonly string[] }>
  readonly words: Set<Decision['word']>
}

/** What a run's merchants saw and said. */
export type Seen = {
  readonly acknowledged: Map<string, PaymentId>
  /** Answers that contradict an earlier one to the same key. */
  readonly contradictions: string[]
  readonly refusals: Map<string, number>
  readonly batches: Map<PayoutBatchId, SeenBatch>
  /** Payouts and batches that a second person signed an approval of, or a refusal, before it was on its way: nobody else's word counts. */
  readonly approved: Set<string>
  readonly refused: Set<string>
  readonly decisions: Decision[]
  requests: number
  clients: number
}

export function nothingSeen(): Seen {
  return {
    acknowledged: new Map(), batches: new Map(), contradictions: [], refusals: new Map(), approved: new Set(), refused: new Set(), decisions: [], requests: 0, clients: 0,
  }
}
