import { createHash } from 'node:crypto'
import { lengthPrefixed, parseMoney, type Money } from '@ngome/kernel'
import { needsApproval } from '@ngome/payments'
import type { DispatchablePayment } from '@ngome/store'
import type { PaymentDispatcher } from '../dispatcher.ts'
import { isRowOf, type SealedRow } from './is-row-of.ts'
import { openPart, type OpenedPart } from './open-part.ts'
import { countFor, type AuthorizationProof } from './prove-authorization.ts'
import { proveSignedRequest, refused } from './prove-signed-request.ts'

const label = 'ngome/payout-batch-row/v1'

export type RowProof = AuthorizationProof | { readonly kind: 'later'; readonly reason: string } | { readonly kind: 'unapproved'; readonly reason: string }
const overLimit = { kind: 'unapproved', reason: 'its batch is over the limit of what one person orders' } as const

/**
 * Proves that a merchant ordered a payout as a row of a part of a batch: the part's own signature, of which the gateway keeps one for all
 * rows, and the row at its place, member by member. A reference counts once in its batch, in whichever part and however often a part was
 * signed; and of one number of a part one body alone counts. What one person may not order in one payout goes out in no batch either: by
 * the dispatcher's own limit, held against what was declared and against all parts that were signed for the batch and counted here.
 * @returns `later` where the custodian opens the part another time; `unapproved` where a second person would have to approve it
 * @throws Fault `custodian/unavailable`, `custodian/refused`, `store/unavailable`
 */
export async function proveRow(
  dispatcher: PaymentDispatcher, payment: DispatchablePayment, sealed: SealedRow, signal: AbortSignal,
): Promise<RowProof> {
  const { tenant } = payment
  if (sealed.authorization !== undefined) return refused('it has two words')
  const opening = await openPart(dispatcher, tenant, sealed.ordered_in.part, signal)
  if (opening.kind === 'later') return opening
  if (opening.kind === 'unopenable') return refused(opening.reason)
  const { part } = opening
  const proof = await proveSignedRequest(dispatcher, tenant, part.word, part.body, part.createdAtMs)
  if (proof.kind === 'refused') return proof
  if (proof.idempotencyKey === undefined) return refused('it covers no idempotency key')
  const { method, target } = proof.request
  if (method !== 'POST' || target !== `/v1/payout_batches/${part.batch}/payouts` || part.order.part !== part.number) {
    return refused('it is of another part')
  }
  if (!isRowOf(payment, sealed, part.order)) return refused('it orders something else')
  const body = createHash('sha256').update(part.body).digest()
  const total = totalOf(part, payment)
  if (total === undefined) return refused('its rows come to nothing')
  const { approvals, payments, clock } = dispatcher
  // No second person approves a batch. A part that is over the limit by itself is not counted.
  if (needsApproval(approvals, part.declared) || needsApproval(approvals, total)) return overLimit
  const claim = await payments.claimPartWord(tenant, { batch: part.batch, number: part.number, digest: body, total, atMs: clock.nowMs() })
  if (claim.kind === 'other') return refused('another body was counted for this part')
  if (needsApproval(approvals, { ...total, amountMinor: claim.batchMinor })) return overLimit
  return countFor(dispatcher, payment, { digest: createHash('sha256').update(lengthPrefixed(label, part.batch, payment.reference)).digest(), spokenAtMs: null }, proof.key)
}

/** What the rows of a part come to as they were signed; `undefined` where one of them is no amount. */
function totalOf({ order }: OpenedPart, { currency }: DispatchablePayment): Money | undefined {
  let amountMinor = 0n
  for (const { amount } of order.payouts) {
    const money = parseMoney(amount, currency)
    if (money === undefined) return undefined
    amountMinor += money.amountMinor
  }
  return { amountMinor, currency }
}
