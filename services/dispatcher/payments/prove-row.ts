import { createHash } from 'node:crypto'
import { lengthPrefixed } from '@ngome/kernel'
import type { DispatchablePayment } from '@ngome/store'
import type { PaymentDispatcher } from '../dispatcher.ts'
import { isRowOf, type SealedRow } from './is-row-of.ts'
import { openPart } from './open-part.ts'
import { countFor, type AuthorizationProof } from './prove-authorization.ts'
import { provePart, type Unproven } from './prove-part.ts'
import { proveKeyAgain, refused } from './prove-signed-request.ts'

const label = 'ngome/payout-batch-row/v2'

export type RowProof = AuthorizationProof | Unproven

/**
 * Proves that a merchant ordered a payout as a row of a part of a batch: the part as a whole, once for as long as it is kept open, and for
 * each of its rows that it stands at its place, member by member, that the keys which signed the part, its batch's opening and its approval stand now,
 * and that its reference counts once under its batch's reference, in whichever part or batch and however often a part was signed.
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
  if (!isRowOf(payment, sealed, opened.part.order)) return refused('it orders something else')
  const proof = await provePart(dispatcher, tenant, opened.part, signal)
  if (proof.kind !== 'proven') return proof
  const { key, opener, approver, batch } = proof
  // A part is kept as it was proven, and its keys are not: one that was revoked meanwhile stops at this row.
  for (const each of key.id === opener.id ? [key] : [key, opener]) {
    const fallen = await proveKeyAgain(dispatcher, each)
    if (fallen !== undefined) return refused(each === key ? fallen : `who opened its batch: ${fallen}`)
  }
  const withdrawn = approver === null ? undefined : await proveKeyAgain(dispatcher, approver)
  if (withdrawn !== undefined) return { kind: 'unapproved', reason: `who approved its batch: ${withdrawn}` }
  const digest = createHash('sha256').update(lengthPrefixed(label, batch.reference, payment.reference)).digest()
  return countFor(dispatcher, payment, { digest, spokenAtMs: null }, key)
}
