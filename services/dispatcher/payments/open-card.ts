import type { SealedPayment } from '@ngome/contracts'
import { maskCard } from '@ngome/payments'
import type { DispatchablePayment } from '@ngome/store'
import type { CardDetails } from '../connectors/payment-network.ts'
import type { OpenCard } from '../vault/vault-token-opening.ts'

/** `gone`: the token is not there any more, or holds no card: nothing can be sent, and nobody did wrong. */
export type CardOpening =
  | { readonly kind: 'opened'; readonly card: CardDetails }
  | { readonly kind: 'gone' }
  | { readonly kind: 'mismatch'; readonly fields: readonly string[] }
  | { readonly kind: 'unopenable' | 'later'; readonly reason: string }

/**
 * Takes a payment's card out of the vault, for one sending: this merchant's token, live, of a card number, and the one whose mask the
 * payment was accepted with.
 * @throws Fault `custodian/unavailable`, `store/unavailable`
 */
export async function takeCard(
  openCard: OpenCard | undefined, payment: DispatchablePayment, sealed: NonNullable<SealedPayment['card']>, signal: AbortSignal,
): Promise<CardOpening> {
  if (openCard === undefined) return { kind: 'later', reason: 'no cards are opened here' }
  const opening = await openCard(payment.tenant, sealed.token, signal)
  switch (opening.kind) {
    case 'gone':
    case 'invalid':
      return { kind: 'gone' }
    case 'unopenable':
    case 'later':
      return opening
    case 'opened': break
    default: opening satisfies never
  }
  const { type, value } = opening.opened
  if (type !== 'card_number') return { kind: 'mismatch', fields: ['card'] }
  if (value.expose((digits) => maskCard(digits.slice(-4))) !== payment.payerMasked) return { kind: 'mismatch', fields: ['payer_masked'] }
  const [year = 0, month = 0] = sealed.expiry.split('-').map(Number)
  return { kind: 'opened', card: { number: value, expiry: { year, month }, returnUrl: sealed.return_url } }
}
