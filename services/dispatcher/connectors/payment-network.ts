import type { FailureCode } from '@ngome/contracts'
import type { Money, PaymentId, Secret } from '@ngome/kernel'

/** One request to a payer for money, under a reference that is never used for anything else. */
export type PaymentRequest = {
  /** A UUID of version 4, made and committed before the request. */
  readonly reference: string
  readonly payment: PaymentId
  readonly money: Money
  /** E.164, with the plus sign. */
  readonly payerPhone: Secret<string>
  readonly description: string | null
  readonly callbackUrl: string
  /**
   * Asked when a connection stands and nothing of this request has left, once for each time that it is written; an
   * answer of false holds it back.
   */
  readonly beforeFirstByte: () => Promise<boolean>
}

/** What is known after asking for a payment. Only `not_sent` says that nothing left since it was last asked before. */
export type RequestOutcome =
  | { readonly kind: 'taken' }
  | { readonly kind: 'refused'; readonly failure: FailureCode; readonly reason: string }
  | { readonly kind: 'not_sent'; readonly reason: string }
  | { readonly kind: 'unknown'; readonly reason: string }

/** What the network says of a reference. `differs` is an answer about another payment than ours. */
export type EnquiryOutcome =
  | { readonly kind: 'pending' }
  | { readonly kind: 'succeeded'; readonly networkReference: string | null }
  | { readonly kind: 'failed'; readonly failure: FailureCode; readonly reason: string }
  | { readonly kind: 'not_found' }
  | { readonly kind: 'differs'; readonly fields: readonly string[] }
  | { readonly kind: 'unknown'; readonly reason: string }

/** What the dispatcher needs of a payment network; each connector is one. */
export type PaymentNetwork = {
  /** Gets what a request needs beforehand, and notices a network that is away before anything is opened or sent. */
  prepare(): Promise<'ready' | 'unavailable'>
  requestPayment(request: PaymentRequest): Promise<RequestOutcome>
  enquire(asked: { readonly reference: string; readonly payment: PaymentId; readonly money: Money }): Promise<EnquiryOutcome>
  /** @returns the end that a callback's body claims, or `undefined` where it claims none */
  readCallback(body: Uint8Array): 'succeeded' | 'failed' | undefined
}
