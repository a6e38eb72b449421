import { parseMoney, type Currency, type Money, type Tenant } from '@ngome/kernel'
import { batchDigestKey, needsApproval, partDigest } from '@ngome/payments'
import type { ProvenMerchantKey } from '@ngome/signatures'
import type { BatchWord } from '@ngome/store'
import type { OpenSealed } from '../custodian/open-sealed.ts'
import type { PaymentDispatcher } from '../dispatcher.ts'
import { partsMax, type OpenedPart } from './open-part.ts'
import { proveBatchApproval, type PartOrderers } from './prove-batch-approval.ts'
import { proveOpening } from './prove-opening.ts'
import { proveSignedRequest, refused, type Refused } from './prove-signed-request.ts'

/** A part as it was proven and counted: who signed it, and the batch that it is of, with who opened that, and who approved it where one person's word is not enough. */
export type ProvenPart = {
  readonly kind: 'proven'
  readonly key: ProvenMerchantKey
  readonly opener: ProvenMerchantKey
  readonly approver: ProvenMerchantKey | null
  readonly batch: BatchWord
}
export type Unproven =
  | Refused
  | { readonly kind: 'later'; readonly reason: string }
  | { readonly kind: 'unapproved'; readonly reason: string }

const overLimit = { kind: 'unapproved', reason: 'its batch is over the limit of what one person orders' } as const

/**
 * What was proven, beside the very part that it was proven of: one that is opened anew, after a minute, after eight others or under
 * whichever id, is another one and proven anew.
 */
const keptProofs = new WeakMap<OpenSealed, Map<OpenedPart, Promise<ProvenPart | Unproven>>>()

/**
 * Proves a part as a whole, or finds it proven still: its own signature, of which the gateway keeps one for all rows; that its batch was
 * opened by the merchant, under the reference that the part names; and of one number of a part one body alone. What one person may not
 * order in one payout goes out in no batch either that no second person approved as a whole: by the dispatcher's own limit, held against what was signed as declared and against all
 * parts that were signed for the batch and counted here, which are held against what was declared as well.
 *
 * A part is kept, and its rows paid, only where its claim was committed first and the sum that was added up after it is within the limits.
 * Of parts that are kept at once, here and in other dispatchers, the one that was committed last saw all the others in its sum: what is kept while
 * more is counted never comes to more than what was declared, nor than the limit. Where a sum is over, whatever is kept of its batch here is dropped.
 * @returns `later` where the custodian opens the opening another time; `unapproved` where a second person would have to approve it
 * @throws Fault `custodian/unavailable`, `custodian/refused`, `store/unavailable`
 */
export async function provePart(
  dispatcher: PaymentDispatcher, tenant: Tenant, part: OpenedPart, signal: AbortSignal,
): Promise<ProvenPart | Unproven> {
  const kept = keptProofs.get(dispatcher.openSealed) ?? new Map<OpenedPart, Promise<ProvenPart | Unproven>>()
  keptProofs.set(dispatcher.openSealed, kept)
  const found = kept.get(part)
  if (found !== undefined) return found
  const proving = prove(dispatcher, tenant, part, signal)
  kept.set(part, proving)
  for (const oldest of kept.keys()) {
    if (kept.size <= partsMax) break
    kept.delete(oldest)
  }
  try {
    const proof = await proving
    if (proof.kind !== 'proven') kept.delete(part)
    if (proof.kind === 'unapproved' || proof.kind === 'refused') for (const each of kept.keys()) if (each.batch === part.batch) kept.delete(each)
    return proof
  } catch (error) {
    kept.delete(part)
    throw error
  }
}

async function prove(dispatcher: PaymentDispatcher, tenant: Tenant, part: OpenedPart, signal: AbortSignal): Promise<ProvenPart | Unproven> {
  const proof = await proveSignedRequest(dispatcher, tenant, part.word, part.body, part.createdAtMs)
  if (proof.kind === 'refused') return proof
  if (proof.idempotencyKey === undefined) return refused('it covers no idempotency key')
  const { method, target } = proof.request
  if (method !== 'POST' || target !== `/v1/payout_batches/${part.batch}/payouts` || part.order.part !== part.number) {
    return refused('it is of another part')
  }
  const opening = await proveOpening(dispatcher, tenant, part.batch, signal)
  if (opening.kind !== 'proven') return opening
  const { word: batch, key: opener } = opening
  if (part.order.batch_reference !== batch.reference) return refused('its part is of another batch\u2019s reference')
  const counted = await countPart(dispatcher, tenant, part, { word: batch, openedBy: opener, orderedBy: proof.key })
  return counted.kind === 'counted' ? { kind: 'proven', key: proof.key, opener, approver: counted.approver, batch } : counted
}

/**
 * Counts the part into its batch, and holds what is counted against the limit of one person's word, where no second one approved the batch, and
 * against what was declared, which that one signed too.
 * @returns why nothing of it may be paid
 */
async function countPart(
  dispatcher: PaymentDispatcher, tenant: Tenant, part: OpenedPart, orderers: PartOrderers,
): Promise<Unproven | { readonly kind: 'counted'; readonly approver: ProvenMerchantKey | null }> {
  const { approvals, payments, callbacks, clock } = dispatcher
  const { word: batch } = orderers
  const { currency } = batch
  const total = totalOf(part, currency)
  if (total === undefined || part.order.currency !== currency) return refused('its rows come to nothing')
  const isOver = needsApproval(approvals, { amountMinor: batch.totalMinor, currency }) || needsApproval(approvals, total)
  // A part that needs an approval and has none is not counted.
  const approval = isOver ? await proveBatchApproval(dispatcher, tenant, part, orderers) : null
  if (approval?.kind === 'refused') return { kind: 'unapproved', reason: approval.reason }
  const digest = partDigest(batchDigestKey(callbacks.secret, tenant, part.batch), part.number, part.body)
  const count = part.order.payouts.length
  const claim = await payments.claimPartWord(tenant, { batch: part.batch, number: part.number, digest, count, total, atMs: clock.nowMs() })
  if (claim.kind === 'other') return refused('another body was counted for this part')
  if (!isOver && needsApproval(approvals, { ...total, amountMinor: claim.batchMinor })) return overLimit
  if (claim.batchMinor > batch.totalMinor || claim.batchCount > batch.count) return refused('its batch has more than was declared')
  return { kind: 'counted', approver: approval?.key ?? null }
}

/** What the rows of a part come to as they were signed; `undefined` where one of them is no amount. */
function totalOf({ order: { payouts } }: OpenedPart, currency: Currency): Money | undefined {
  let amountMinor = 0n
  for (const { amount } of payouts) {
    const money = parseMoney(amount, currency)
    if (money === undefined) return undefined
    amountMinor += money.amountMinor
  }
  return { amountMinor, currency }
}
