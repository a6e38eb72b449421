import { dispatchAgeMsMax, type Purpose, type RetentionClass, type VaultTokenType } from '@ngome/contracts'
import type { DataClass, ProcessRole } from '@ngome/kernel'

const hourMs = 3_600_000
const enquiryAgeMsMax = 7 * 24 * hourMs
/** A data key seals for an hour, and a forward is over minutes after it began. */
const forwardAgeMs = 2 * hourMs

export type PurposeRule = {
  readonly caller: ProcessRole
  readonly table: string
  readonly dataClass: DataClass
  readonly retention: RetentionClass
  /** Whether its records may hold what a client sealed by itself; opening one takes two openings of its record. */
  readonly hasInner: boolean
  /** The one type of what a client sealed that it opens; without it, any. */
  readonly innerType?: VaultTokenType
  /** How old the data key may be; `null` where what it seals is needed for as long as it exists. */
  readonly dataKeyAgeMsMax: number | null
  /** How often one record may be opened within the window. */
  readonly perRecord: { readonly timesMax: number; readonly windowMs: number }
  /** How many openings there may be within an hour, of all records together: what a stolen certificate is worth. */
  readonly perHourMax: number
}

/**
 * The only table of openings: who may open what, why, how old and how often. Whatever is not in it stays sealed.
 *
 * dispatch: a payment is sent once, then enquired about while it is in flight; twelve covers the retries of both, and
 * 72 h the longest settling time. 360,000 an hour is 100 payments a second without a pause.
 * payout-batch: what a merchant signed to open a batch, once before the first of its rows; parts come for three days, and wait three more.
 * payout-part: what a merchant signed of up to five hundred payouts, which are proven against it before they are sent and before each is sent
 * again; who works off a part keeps it meanwhile, so that it is opened a few times and not for each row.
 * enquiry: a payment that was sent and is still open after 72 h may have to be sent again under its reference. That is
 * rare, and ends: a network is given up after three days at most, and a week covers what waited before it was sent.
 * webhook-secret: an endpoint's secret signs each of its deliveries, so the count is by hour and generous.
 * vault-index: a token's fingerprint is computed once, soon after its acceptance; six covers crashes and retries, and
 * what a client sealed takes two openings each time.
 * forward: a token's value goes to an address of the operator's, for as long as the token lives: sixty times
 * an hour each (what a client sealed takes two openings), and ten openings a second of all tokens together.
 * forward-template: a forward's template is opened once and gone when it ended; six covers crashes and retries.
 * charge: a card's number goes to its acquirer, once for a payment and again where a sending was lost: two dozen
 * payments an hour of one card (what a client sealed takes two openings), and ten openings a second of all together.
 * Of what clients sealed it opens card numbers alone.
 * callback-hint: a provider repeats a callback a few times; it is worthless after the payment's own time.
 */
export const purposeRules: Readonly<Record<Purpose, PurposeRule>> = {
  'dispatch': {
    caller: 'dispatcher', table: 'payments', dataClass: 'restricted', retention: 'payment',
    hasInner: false,
    dataKeyAgeMsMax: dispatchAgeMsMax,
    perRecord: { timesMax: 12, windowMs: dispatchAgeMsMax },
    perHourMax: 360_000,
  },
  'payout-batch': {
    caller: 'dispatcher', table: 'payout_batch_openings', dataClass: 'restricted', retention: 'payment',
    hasInner: false,
    dataKeyAgeMsMax: enquiryAgeMsMax,
    perRecord: { timesMax: 48, windowMs: enquiryAgeMsMax },
    perHourMax: 3_600,
  },
  'payout-part': {
    caller: 'dispatcher', table: 'payout_batch_parts', dataClass: 'restricted', retention: 'payment',
    hasInner: false,
    dataKeyAgeMsMax: dispatchAgeMsMax,
    perRecord: { timesMax: 48, windowMs: dispatchAgeMsMax },
    perHourMax: 3_600,
  },
  'enquiry': {
    caller: 'dispatcher', table: 'payments', dataClass: 'restricted', retention: 'payment',
    hasInner: false,
    dataKeyAgeMsMax: enquiryAgeMsMax,
    perRecord: { timesMax: 4, windowMs: enquiryAgeMsMax },
    perHourMax: 600,
  },
  'webhook-secret': {
    caller: 'dispatcher', table: 'webhook_endpoints', dataClass: 'restricted', retention: 'credential',
    hasInner: false,
    dataKeyAgeMsMax: null,
    perRecord: { timesMax: 20_000, windowMs: hourMs },
    perHourMax: 360_000,
  },
  'callback-hint': {
    caller: 'dispatcher', table: 'callback_hints', dataClass: 'restricted', retention: 'payment',
    hasInner: false,
    dataKeyAgeMsMax: dispatchAgeMsMax,
    perRecord: { timesMax: 12, windowMs: dispatchAgeMsMax },
    perHourMax: 360_000,
  },
  'vault-index': {
    caller: 'dispatcher', table: 'vault_tokens', dataClass: 'restricted', retention: 'vault',
    hasInner: true,
    dataKeyAgeMsMax: dispatchAgeMsMax,
    perRecord: { timesMax: 12, windowMs: dispatchAgeMsMax },
    perHourMax: 360_000,
  },
  'forward-template': {
    caller: 'dispatcher', table: 'forwards', dataClass: 'restricted', retention: 'vault',
    hasInner: false,
    dataKeyAgeMsMax: forwardAgeMs,
    perRecord: { timesMax: 6, windowMs: forwardAgeMs },
    perHourMax: 36_000,
  },
  'forward': {
    caller: 'dispatcher', table: 'vault_tokens', dataClass: 'restricted', retention: 'vault',
    hasInner: true,
    dataKeyAgeMsMax: null,
    perRecord: { timesMax: 120, windowMs: hourMs },
    perHourMax: 36_000,
  },
  'charge': {
    caller: 'dispatcher', table: 'vault_tokens', dataClass: 'restricted', retention: 'vault',
    hasInner: true, innerType: 'card_number',
    dataKeyAgeMsMax: null,
    perRecord: { timesMax: 48, windowMs: hourMs },
    perHourMax: 36_000,
  },
}

export type RevealRule = PurposeRule & {
  /** How many different people must have approved each one. */
  readonly people: number
  /** How often one person may approve within an hour: what a thief of one key can help to. */
  readonly perPersonHourMax: number
}

/**
 * What people may have shown. It is no purpose of `open`, where nobody approves: only `reveal` reads this row. A record
 * of class restricted takes two people; there is no record of another class.
 */
export const revealRule: RevealRule = {
  caller: 'operator', table: 'payments', dataClass: 'restricted', retention: 'payment',
  hasInner: false,
  dataKeyAgeMsMax: null,
  perRecord: { timesMax: 4, windowMs: 24 * hourMs },
  perHourMax: 20,
  people: 2,
  perPersonHourMax: 10,
}

/** Blind indexes that may be computed within an hour: about two for each payment that may be dispatched. */
export const indexesPerHourMax = 720_000
/** Fingerprints that may be taken on to a newer index key within an hour: a million tokens in an afternoon. */
export const advancesPerHourMax = 360_000
