import type { FailureCode, PaymentDirection } from '@ngome/contracts'
import type { Money, PaymentId, Secret } from '@ngome/kernel'

/** One request to a network to move money, under a reference that is never used for anything else. */
export type PaymentRequest = {
  readonly direction: PaymentDirection
  /** A UUID of version 4, made and committed before the request. */
  readonly reference: string
  readonly payment: PaymentId
  readonly money: Money
  /** E.164, with the plus sign: the payer's of a collection, the payee's of a payout. A refund goes back by its original: it may have none. */
  readonly phone: Secret<string> | null
  /** Of a collection that is paid by card, in place of a phone. */
  readonly card?: CardDetails
  readonly description: string | null
  readonly callbackUrl: string
  /** What a refund gives back: the collection as its network knows it; `null` of all else. */
  readonly original: OriginalPayment | null
  /**
   * Asked when a connection stands and nothing of this request has left, once for each time that it is written; an
   * answer of false holds it back.
   */
  readonly beforeFirstByte: () => Promise<boolean>
}

/** A card as it leaves for its acquirer, and where its holder goes on after his bank has asked him. */
export type CardDetails = {
  /** Digits alone, out of the vault for this one request. */
  readonly number: Secret<string>
  readonly expiry: { readonly month: number; readonly year: number }
  /** The merchant's own page, by its own list of origins. */
  readonly returnUrl: string
}

/** What the payer has to do before a payment goes on; on a page of the network's own, which the connector has held against its list. */
export type PayerAction = { readonly type: 'redirect'; readonly url: string }

/** A collection that succeeded, as its network knows it. */
export type OriginalPayment = {
  /** Under which it was asked for. */
  readonly reference: string
  /** The network's own, where it gave one. */
  readonly networkReference: string | null
  /** All that was collected: some networks give back the whole or nothing. */
  readonly money: Money
}

/** What is asked about: what was sent, as it was sent. Some networks know a refund by what it gives back alone. */
export type AskedPayment = Pick<PaymentRequest, 'direction' | 'reference' | 'payment' | 'money' | 'original'>

/** What is known after asking for a payment. Only `not_sent` says that nothing left since it was last asked before. */
export type RequestOutcome =
  | { readonly kind: 'taken'; readonly action?: PayerAction }
  | { readonly kind: 'refused'; readonly failure: FailureCode; readonly reason: string }
  | { readonly kind: 'not_sent'; readonly reason: string }
  | { readonly kind: 'unknown'; readonly reason: string }

/**
 * What the network says of a reference. `differs` is an answer about another payment than ours; `ambiguous` is the network's own
 * word that it does not know yet how this ends; `unknown` is no word; `reversed` says that the money moved and was taken back.
 */
export type EnquiryOutcome =
  | { readonly kind: 'pending'; readonly action?: PayerAction }
  | { readonly kind: 'succeeded'; readonly networkReference: string | null }
  | { readonly kind: 'failed'; readonly failure: FailureCode; readonly reason: string }
  | { readonly kind: 'reversed'; readonly reason: string }
  | { readonly kind: 'not_found' }
  | { readonly kind: 'differs'; readonly fields: readonly string[] }
  | { readonly kind: 'ambiguous'; readonly reason: string }
  | { readonly kind: 'unknown'; readonly reason: string }

/** Whether a phone number has an account at the network, which can take and give money. */
export type HolderStanding = 'active' | 'inactive' | 'unknown'

/** What came of asking for one product, mostly for a token: `refused` says that the credentials are not good, `failing` that nobody can tell. */
export type CredentialCheck = {
  readonly product: string
  readonly outcome: 'good' | 'refused' | 'failing' | 'away'
  /** The HTTP status of the answer, where there was one. */
  readonly status: number | null
  /** What its clock said as it answered, cut off to the second. */
  readonly theirTimeMs: number | null
}

/** What the dispatcher needs of a payment network; each connector is one. */
export type PaymentNetwork = {
  /** Whether its payers have cards in place of phones: no other network is ever given one. */
  readonly takesCards?: true
  /** What it can be asked for; nothing else ever is. */
  readonly directions: readonly PaymentDirection[]
  /**
   * Whether a reference that the network has already moves nothing a second time, in every direction. Only then is anything ever
   * sent again; without it what may have left is asked about, and no more.
   */
  readonly isIdempotent: boolean
  /** Whether it shows a collection that we gave back as one that was taken back: then that answer is a refund's of ours, where one stands. */
  readonly showsRefundsAsReversals?: true
  /** Gets what a request needs beforehand, and notices a network that is away before anything is opened or sent. */
  prepare(direction: PaymentDirection): Promise<'ready' | 'unavailable'>
  request(request: PaymentRequest): Promise<RequestOutcome>
  enquire(asked: AskedPayment): Promise<EnquiryOutcome>
  /** @returns the end that a callback's body claims, or `undefined` where it claims none */
  readCallback(body: Uint8Array): 'succeeded' | 'failed' | undefined
  /** What the operator has at the network to pay out of, or `undefined` where it does not say. */
  balance?(): Promise<Money | undefined>
  holderOf?(phone: Secret<string>): Promise<HolderStanding>
  /** Asks for a new token of each product, or what costs as little where there are none, for a person who wants to know whether the credentials are good. */
  check?(): Promise<readonly CredentialCheck[]>
}
