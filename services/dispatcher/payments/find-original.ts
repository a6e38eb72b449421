import type { Money } from '@ngome/kernel'
import type { DispatchablePayment } from '@ngome/store'
import type { OriginalPayment } from '../connectors/payment-network.ts'
import type { PaymentDispatcher } from '../dispatcher.ts'
import { isProof, proveFacts } from '../webhooks/prove-facts.ts'

/** The collection that a refund gives back. `isStanding`: it succeeded and was not taken back. */
export type FoundOriginal = { readonly asked: OriginalPayment; readonly isStanding: boolean }

/**
 * Finds what a refund gives back, and holds it against the proof that was made when its columns were compared with what was sealed,
 * before it was collected. A proof has no age, where the custodian opens a record for some days alone.
 * @returns `null` of what is no refund; `mismatch` where that is not a collection that this refund can be of
 */
export async function findOriginal(
  { payments, callbacks }: Pick<PaymentDispatcher, 'payments' | 'callbacks'>, refund: DispatchablePayment,
): Promise<FoundOriginal | 'mismatch' | null> {
  if (refund.direction !== 'refund') return null
  const collection = refund.original === null ? undefined : await payments.loadPaymentForDispatch(refund.tenant, refund.original)
  const attempt = collection?.attempt ?? null
  if (collection === undefined || attempt === null || !isProof(proveFacts(callbacks.secret, collection), attempt.factsProof)) return 'mismatch'
  const isSame = collection.direction === 'collection' && collection.network === refund.network && collection.currency === refund.currency
    && collection.payerMasked === refund.payerMasked && collection.amountMinor >= refund.amountMinor
  if (!isSame) return 'mismatch'
  const money: Money = { amountMinor: collection.amountMinor, currency: collection.currency }
  const { reference, networkReference } = attempt
  return { asked: { reference, networkReference, money }, isStanding: collection.status === 'succeeded' }
}
