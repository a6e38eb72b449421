import type { PaymentId, PayoutBatchId, PayoutBatchPartId, Tenant } from '@ngome/kernel'
import type { ApprovablePart, BatchApproval, BatchWord, NewPayoutBatch, NewPayoutPart, PartWord, PayoutBatchRow } from '@ngome/store'
import { tenantKey } from './tenant-key.ts'

export type KeptBatch = { row: PayoutBatchRow; readonly opening: NewPayoutBatch['opening']; readonly asked: BatchApproval['asked']; answer: BatchApproval['answer'] }
export type KeptPart = NewPayoutPart & { readonly tenant: Tenant; readonly rows: readonly PaymentId[] }

/** The batches of a store: what was declared, the parts that came, their rows, and what a dispatcher counted of them. */
export class MemoryBatches {
  readonly all = new Map<string, KeptBatch>()
  readonly byReference = new Map<string, PayoutBatchId>()
  readonly parts = new Map<string, KeptPart>()
  /** Of each row of a batch, by its reference, its payout. */
  readonly rows = new Map<string, PaymentId>()
  /** Of each payout that is a row, its batch. */
  readonly ofPayment = new Map<string, KeptBatch>()
  readonly words = new Map<string, BatchWord>()
  readonly #wordOfReference = new Set<string>()
  readonly #partsOf = new Map<string, KeptPart[]>()
  readonly #partWords = new Map<string, PartWord[]>()

  find(tenant: Tenant, id: PayoutBatchId): KeptBatch | undefined {
    return this.all.get(tenantKey(tenant, id))
  }

  part(tenant: Tenant, id: PayoutBatchPartId): KeptPart | undefined {
    return this.parts.get(tenantKey(tenant, id))
  }

  /** In the order of their numbers. */
  partsOf(tenant: Tenant, batch: PayoutBatchId): readonly KeptPart[] {
    return (this.#partsOf.get(tenantKey(tenant, batch)) ?? []).toSorted((one, other) => one.number - other.number)
  }

  approvable(tenant: Tenant, batch: PayoutBatchId): readonly ApprovablePart[] {
    return this.partsOf(tenant, batch).map(({ number, digest, orderedBy }) => ({ number, digest, keyLine: orderedBy.keyLine, signingKey: orderedBy.signingKey }))
  }

  rowsOf(tenant: Tenant, batch: PayoutBatchId): readonly PaymentId[] {
    return this.partsOf(tenant, batch).flatMap(({ rows }) => rows)
  }

  open(batch: NewPayoutBatch): void {
    const { apiKey: _, opening, askedBy, ...row } = batch
    const { tenant, id, reference, createdAtMs: atMs } = row
    this.all.set(tenantKey(tenant, id), { row, opening, asked: askedBy === undefined ? null : { ...askedBy, atMs }, answer: null })
    this.byReference.set(tenantKey(tenant, reference), id)
  }

  /** A part with its rows, counted into its batch. */
  take(batch: KeptBatch, part: KeptPart, rows: readonly { readonly id: PaymentId; readonly reference: string; readonly amountMinor: bigint }[]): void {
    const { tenant } = part
    this.parts.set(tenantKey(tenant, part.id), part)
    const key = tenantKey(tenant, part.batch)
    this.#partsOf.set(key, [...this.#partsOf.get(key) ?? [], part])
    for (const { id, reference } of rows) {
      this.rows.set(rowKey(tenant, part.batch, reference), id)
      this.ofPayment.set(tenantKey(tenant, id), batch)
    }
    batch.row = {
      ...batch.row, acceptedCount: batch.row.acceptedCount + rows.length,
      acceptedMinor: rows.reduce((sum, { amountMinor }) => sum + amountMinor, batch.row.acceptedMinor), updatedAtMs: part.createdAtMs,
    }
  }

  /** Of each reference one batch, and of each batch one word. */
  claim(tenant: Tenant, word: BatchWord): BatchWord | undefined {
    const [key, reference] = [tenantKey(tenant, word.batch), tenantKey(tenant, word.reference)]
    if (!this.words.has(key) && !this.#wordOfReference.has(reference)) {
      this.words.set(key, word)
      this.#wordOfReference.add(reference)
    }
    return this.words.get(key)
  }

  /** The bodies that were counted for parts of a batch, with this one where none was for its number. */
  claimPart(tenant: Tenant, word: PartWord): readonly PartWord[] {
    const key = tenantKey(tenant, word.batch)
    const words = this.#partWords.get(key) ?? []
    if (!words.some(({ number }) => number === word.number)) words.push(word)
    this.#partWords.set(key, words)
    return words
  }
}

export function rowKey(tenant: Tenant, batch: PayoutBatchId, reference: string): string {
  return tenantKey(tenant, `${batch}/${reference}`)
}
