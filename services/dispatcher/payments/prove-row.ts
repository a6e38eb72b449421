import { createHash } from 'node:crypto'
import { lengthPrefixed, parseMoney, type Currency, type Money } from '@ngome/kernel'
import { batchDigestKey, needsApproval, partDigest } from '@ngome/payments'
import type { BatchWord, DispatchablePayment } from '@ngome/store'
import type { PaymentDispatcher } from '../dispatcher.ts'
import { isRowOf, type SealedRow } from './is-row-of.ts'
import { openPart, type OpenedPart } from './open-part.ts'
import { countFor, type AuthorizationProof } from './prove-authorization.ts'
import { proveOpening } from './prove-opening.ts'
import { proveSignedRequest, refused, type Refused } from './prove-signed-request.ts'

const label = 'ngome/payout-batch-row/v2'

export type RowProof = AuthorizationProof | { readonly kind: 'later'; readonly reason: string } | { readonly kind: 'unapproved'; readonly reason: string }
const overLimit = { kind: 'unapproved', reason: 'its batch is over the limit of what one person orders' } as const

/**
 * Proves that a merchant ordered a payout as a row of a part of a batch: the part's own signature, of which the gateway keeps one for all
 * rows, and the row at its place, member by member; and that its batch was opened by the merchant, under the reference that the part names. A
 * reference counts once under its batch's reference, in whichever part or batch and however often a part was signed; and of one number of a part one body alone counts. What one person may not order in one payout goes out in no batch either: by
 * the dispatcher's own limit, held against what was signed as declared and against all parts that were signed for the batch and counted here, which are held against
 * what was declared as well.
 * @returns `later` where the custodian opens the part another time; `unapproved` where a second person would have to approve it
 * @throws Fault `custodian/unavailable`, `custodian/refused`, `store/unavailable`
 */
export async function proveRow(
  dispatcher: PaymentDispatcher, payment: DispatchablePayment, sealed: SealedRow, signal: AbortSignal,
): Promise<RowProof> {
  const { tenant } = payment
  if (sealed.authorization !== undefined) return refused('it has two words')
  const opened = await openPart(dispatcher, tenant, sealed.ordered_in.part, signal)
  if (opened.kind === 'later') return opened
  if (opened.kind === 'unopenable') return refused(opened.reason)
  const { part } = opened
  const proof = await proveSignedRequest(dispatcher, tenant, part.word, part.body, part.createdAtMs)
  if (proof.kind === 'refused') return proof
  if (proof.idempotencyKey === undefined) return refused('it covers no idempotency key')
  const { method, target } = proof.request
  if (method !== 'POST' || target !== `/v1/payout_batches/${part.batch}/payouts` || part.order.part !== part.number) {
    return refused('it is of another part')
  }
  if (!isRowOf(payment, sealed, part.order)) return refused('it orders something else')
  const opening = await proveOpening(dispatcher, tenant, part.batch, signal)
  if (opening.kind !== 'proven') return opening
  const { word: batch } = opening
  if (part.order.batch_reference !== batch.reference) return refused('its part is of another batch\u2019s reference')
  const counted = await countPart(dispatcher, payment, part, batch)
  if (counted.kind !== 'proven') return counted
  const digest = createHash('sha256').update(lengthPrefixed(label, batch.reference, payment.reference)).digest()
  return countFor(dispatcher, payment, { digest, spokenAtMs: null }, proof.key)
}

/** Counts the part into its batch, and holds what is counted against the limit of one person's word and against what was declared. */
async function countPart(
  { approvals, payments, callbacks, clock }: PaymentDispatcher, { tenant, currency }: DispatchablePayment, part: OpenedPart, batch: BatchWord,
): Promise<{ readonly kind: 'proven' } | Refused | typeof overLimit> {
  const total = totalOf(part, currency)
  if (total === undefined || batch.currency !== currency) return refused('its rows come to nothing')
  // No second person approves a batch. A part that is over the limit by itself is not counted.
  if (needsApproval(approvals, { amountMinor: batch.totalMinor, currency }) || needsApproval(approvals, total)) return overLimit
  const digest = partDigest(batchDigestKey(callbacks.secret, tenant, part.batch), part.number, part.body)
  const count = part.order.payouts.length
  const claim = await payments.claimPartWord(tenant, { batch: part.batch, number: part.number, digest, count, total, atMs: clock.nowMs() })
  if (claim.kind === 'other') return refused('another body was counted for this part')
  if (needsApproval(approvals, { ...total, amountMinor: claim.batchMinor })) return overLimit
  return claim.batchMinor > batch.totalMinor || claim.batchCount > batch.count ? refused('its batch has more than was declared') : { kind: 'proven' }
}

/** What the rows of a part come to as they were signed; `undefined` where one of them is no amount. */
function totalOf({ order }: OpenedPart, currency: Currency): Money | undefined {
  let amountMinor = 0n
  for (const { amount } of order.payouts) {
    const money = parseMoney(amount, currency)
    if (money === undefined) return undefined
    amountMinor += money.amountMinor
  }
  return { amountMinor, currency }
}
