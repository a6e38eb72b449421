import type { FailureCode, PaymentDirection } from '@ngome/contracts'
import type { Clock, Currency, PaymentId } from '@ngome/kernel'
import type { EgressGuard } from '../../egress/egress-guard.ts'
import type { PaymentNetwork } from '../payment-network.ts'
import type { CallKind } from './interposer.ts'

/** The name under which the egress guard of the suite knows the network. */
export const networkName = 'network-under-test'

/** How a connector is made for one test; its address is the egress guard's to know. */
export type Connecting = {
  readonly network: typeof networkName
  readonly egress: EgressGuard
  readonly clock: Clock
  readonly currency: Currency
  readonly requestTimeoutMs: number
  readonly enquiriesPerSecondMax: number
}

/** A movement of money as the simulator's books have it. */
export type Movement = {
  /** As the network wrote it down, in major units. */
  readonly amount: string
  readonly currency: string
  /** E.164, with the plus sign: the person at the other end; of a network of cards the card's number. */
  readonly phone: string
}

/** An answer as it goes over the wire. */
export type WireAnswer = { readonly status: number; readonly body: string | Uint8Array }

/** A running simulator, with books that say what really happened. */
export type RunningNetwork = {
  readonly port: number
  connect(connecting: Connecting): Promise<PaymentNetwork>
  /** Whatever the network took under this reference, once for each time, and whatever became of it. */
  movements(reference: string): Promise<readonly Movement[]>
  /** Has the network take back what succeeded under this reference; of networks that can say so. */
  reverse?(reference: string): Promise<void>
  stop(): Promise<void>
}

/** What a payment is, for an answer that is made up about it; the amount in major units. */
export type Described = { readonly reference: string; readonly payment: PaymentId; readonly amount: string; readonly currency: Currency }

/** A number, and which of our codes says what becomes of a payment to or from it. */
export type ExpectedFailure = { readonly phone: string; readonly failure: FailureCode }

/**
 * What the suite has to be told of a network: all that a new connector's author writes to have it tested.
 * Phone numbers are E.164, with the plus sign. Of a network of cards they are card numbers, wherever a phone is named.
 */
export type NetworkUnderTest = {
  readonly name: string
  readonly directions: readonly PaymentDirection[]
  /** What payers are asked by; a card comes in the place of a phone, which is `null` then. */
  readonly payBy?: 'card'
  /** Those that the simulator speaks of UGX, XOF, KES, GHS and EUR; the tests use the first. */
  readonly currencies: readonly [Currency, ...Currency[]]
  /** Any number that takes and gives money in this currency. */
  readonly good: (currency: Currency) => string
  /** For each direction: taken, and then failed. A refund's is the number whose collection succeeds. */
  readonly fails: Readonly<Record<PaymentDirection, readonly ExpectedFailure[]>>
  /** For each direction: refused at once, nothing taken. */
  readonly refuses: Readonly<Record<PaymentDirection, readonly ExpectedFailure[]>>
  /** Which of its successes the network can say that it took back; none where its protocol has no word for it. */
  readonly reverses: readonly PaymentDirection[]
  /** Which members of what is asked about the network's answer repeats, so that another value must be noticed. */
  readonly tells: readonly ('amount' | 'currency' | 'payment')[]
  /** Whether a number has an account, by the simulator; for connectors that can ask. */
  readonly holders?: { readonly active: string; readonly other: string }
  /** Bodies of callbacks and what they claim. */
  readonly callbacks: readonly { readonly body: string; readonly claims: 'succeeded' | 'failed' | undefined }[]
  /** What the network answers where a token ran out, or, of one without tokens, where it does not know who calls. */
  readonly tokenExpired: WireAnswer
  /** Whether each call is signed by itself. Then what is a `token` to `callOf` is the question whether anybody is there. */
  readonly hasNoTokens?: true
  /** Answers that say this text wherever the network has room for words of its own, to requests and to enquiries. */
  readonly saying: (text: string, asked: Described) => readonly WireAnswer[]
  /** What a call is; all that is neither token, request nor enquiry is `other`. */
  readonly callOf: (method: string, path: string) => CallKind
  readonly start: () => Promise<RunningNetwork>
}
