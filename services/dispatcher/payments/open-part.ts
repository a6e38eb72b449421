import { addPayoutsSchema, type AddPayouts } from '@ngome/contracts'
import type { PayoutBatchId, PayoutBatchPartId, Tenant } from '@ngome/kernel'
import { believedMs } from '../custodian/standing-keys.ts'
import type { OpenSealed } from '../custodian/open-sealed.ts'
import type { PaymentDispatcher } from '../dispatcher.ts'
import { readSealedWord, type SealedWord } from './read-sealed-word.ts'

/** What a merchant signed of a part of a batch, as it was sealed: nothing of it is proven by having been opened. */
export type OpenedPart = SealedWord<AddPayouts> & {
  readonly batch: PayoutBatchId
  readonly number: number
  readonly createdAtMs: number
}

export type PartOpening =
  | { readonly kind: 'opened'; readonly part: OpenedPart }
  | { readonly kind: 'unopenable'; readonly reason: string }
  | { readonly kind: 'later'; readonly reason: string }

/**
 * Parts that are kept open, of some 60 kB each, and for how long: who works off a part needs it for each of its rows. What was proven of
 * one is kept with it (`prove-part.ts`), and for no longer than the custodian's word of a key is believed.
 */
export const partsMax = 8
const keptMs = believedMs

/** A row has eight members at most, and one object inside. */
const bodyBounds = { depthMax: 4, nodesMax: 8_192 }

type Kept = { readonly opening: Promise<PartOpening>; readonly atMs: number }

/** By who opens: a process has one. */
const keptParts = new WeakMap<OpenSealed, Map<string, Kept>>()

/**
 * Opens what a merchant signed of a part, or finds it open still.
 * @throws Fault `custodian/unavailable`, `store/unavailable`
 */
export async function openPart(
  dispatcher: Pick<PaymentDispatcher, 'payments' | 'openSealed' | 'clock'>, tenant: Tenant, id: PayoutBatchPartId, signal: AbortSignal,
): Promise<PartOpening> {
  const { openSealed, clock } = dispatcher
  const kept = keptParts.get(openSealed) ?? new Map<string, Kept>()
  keptParts.set(openSealed, kept)
  const name = `${tenant.merchant}:${tenant.world}:${id}`
  const nowMs = clock.nowMs()
  // Nor by a clock that was set back.
  for (const [each, { atMs }] of kept) if (nowMs < atMs || nowMs - atMs >= keptMs) kept.delete(each)
  const found = kept.get(name)
  if (found !== undefined) return found.opening
  const opening = open(dispatcher, tenant, id, signal)
  kept.set(name, { opening, atMs: nowMs })
  for (const oldest of kept.keys()) {
    if (kept.size <= partsMax) break
    kept.delete(oldest)
  }
  try {
    const opened = await opening
    // A refusal may be another's next time.
    if (opened.kind !== 'opened') kept.delete(name)
    return opened
  } catch (error) {
    kept.delete(name)
    throw error
  }
}

async function open(
  { payments, openSealed }: Pick<PaymentDispatcher, 'payments' | 'openSealed'>, tenant: Tenant, id: PayoutBatchPartId, signal: AbortSignal,
): Promise<PartOpening> {
  const row = await payments.loadPayoutPart(tenant, id)
  if (row === undefined) return { kind: 'unopenable', reason: 'there is no such part' }
  const opening = await openSealed('payout-part', {
    dataKey: row.dataKey.sealed, blob: row.sealed,
    context: { tenant, table: 'payout_batch_parts', recordId: id, dataClass: 'restricted', version: 1 },
  }, signal)
  if (opening.kind !== 'opened') return opening
  const read = readSealedWord(opening.plaintext, addPayoutsSchema, bodyBounds)
  opening.plaintext.fill(0)
  const { batch, number, createdAtMs } = row
  return read === undefined ? { kind: 'unopenable', reason: 'what was sealed is not a part' } : { kind: 'opened', part: { batch, number, createdAtMs, ...read } }
}
