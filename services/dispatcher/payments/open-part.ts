import { addPayoutsSchema, sealedPartSchema, type AddPayouts, type SealedPart } from '@ngome/contracts'
import { parseStrictJson, type Money, type PayoutBatchId, type PayoutBatchPartId, type Tenant } from '@ngome/kernel'
import type { SealedPayoutPart } from '@ngome/store'
import type { OpenSealed } from '../custodian/open-sealed.ts'
import type { PaymentDispatcher } from '../dispatcher.ts'

/** What a merchant signed of a part of a batch, as it was sealed: nothing of it is proven by having been opened. */
export type OpenedPart = {
  readonly batch: PayoutBatchId
  readonly number: number
  readonly declared: Money
  readonly word: SealedPart
  readonly body: Uint8Array
  readonly order: AddPayouts
  readonly createdAtMs: number
}

export type PartOpening =
  | { readonly kind: 'opened'; readonly part: OpenedPart }
  | { readonly kind: 'unopenable'; readonly reason: string }
  | { readonly kind: 'later'; readonly reason: string }

/** Parts that are kept open, of some 60 kB each, and for how long: who works off a part needs it for each of its rows. */
const partsMax = 8
const keptMs = 60_000

/** A row has eight members at most, and one object inside. */
const bodyBounds = { depthMax: 4, nodesMax: 8_192 }
const wordBounds = { depthMax: 1, nodesMax: 8 }
const lineEnd = 0x0a

type Kept = { readonly opening: Promise<PartOpening>; readonly untilMs: number }

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
  for (const [each, { untilMs }] of kept) if (untilMs <= nowMs) kept.delete(each)
  const found = kept.get(name)
  if (found !== undefined) return found.opening
  const opening = open(dispatcher, tenant, id, signal)
  kept.set(name, { opening, untilMs: nowMs + keptMs })
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
  const part = readPart(row, opening.plaintext)
  opening.plaintext.fill(0)
  return part === undefined ? { kind: 'unopenable', reason: 'what was sealed is not a part' } : { kind: 'opened', part }
}

/** One line of who signed it and how, then the body to the byte. */
function readPart({ batch, number, declared, createdAtMs }: SealedPayoutPart, plaintext: Uint8Array): OpenedPart | undefined {
  const at = plaintext.indexOf(lineEnd)
  if (at === -1) return undefined
  const word = parseStrictJson(plaintext.subarray(0, at), wordBounds)
  // A copy: what was opened is overwritten.
  const body = new Uint8Array(plaintext.subarray(at + 1))
  const order = parseStrictJson(body, bodyBounds)
  if (!word.ok || !order.ok) return undefined
  const [readWord, readOrder] = [sealedPartSchema.safeParse(word.value), addPayoutsSchema.safeParse(order.value)]
  if (!readWord.success || !readOrder.success) return undefined
  return { batch, number, declared, createdAtMs, word: readWord.data, body, order: readOrder.data }
}
