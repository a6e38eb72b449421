import { createHash } from 'node:crypto'
import { lengthPrefixed } from '@ngome/kernel'
import type { DispatchablePayment } from '@ngome/store'
import type { PaymentDispatcher } from '../dispatcher.ts'
import { isRowOf, type SealedRow } from './is-row-of.ts'
import { openPart } from './open-part.ts'
import { countFor, type AuthorizationProof } from './prove-authorization.ts'
import { proveSignedRequest, refused } from './prove-signed-request.ts'

/** Separates these digests from those of signature bases, which begin with a component's name. */
const label = 'ngome/payout-batch-row/v1'

/**
 * Proves that a merchant ordered a payout as a row of a part of a batch: the part's own signature, of which the gateway keeps one for all
 * rows, and the row at its place, member by member. A reference counts once in its batch, in whichever part and however often a part was
 * signed; and of one number of a part one body alone counts.
 * @returns `later` where the custodian opens the part another time
 * @throws Fault `custodian/unavailable`, `custodian/refused`, `store/unavailable`
 */
export async function proveRow(
  dispatcher: PaymentDispatcher, payment: DispatchablePayment, sealed: SealedRow, signal: AbortSignal,
): Promise<AuthorizationProof | { readonly kind: 'later'; readonly reason: string }> {
  const { tenant } = payment
  if (sealed.authorization !== undefined) return refused('it has two words')
  const opening = await openPart(dispatcher, tenant, sealed.ordered_in.part, signal)
  if (opening.kind === 'later') return opening
  if (opening.kind === 'unopenable') return refused(opening.reason)
  const { part } = opening
  const proof = await proveSignedRequest(dispatcher, tenant, part.word, part.body, part.createdAtMs)
  if (proof.kind === 'refused') return proof
  if (!proof.isKeyed) return refused('it covers no idempotency key')
  const { method, target } = proof.request
  if (method !== 'POST' || target !== `/v1/payout_batches/${part.batch}/payouts` || part.order.part !== part.number) {
    return refused('it is of another part')
  }
  if (!isRowOf(payment, sealed, part.order)) return refused('it orders something else')
  const body = createHash('sha256').update(part.body).digest()
  const claim = await dispatcher.payments.claimPartWord(tenant, { batch: part.batch, number: part.number, digest: body, atMs: dispatcher.clock.nowMs() })
  if (claim === 'other') return refused('another body was counted for this part')
  return countFor(dispatcher, payment, createHash('sha256').update(lengthPrefixed(label, part.batch, payment.reference)).digest(), proof.key)
}
