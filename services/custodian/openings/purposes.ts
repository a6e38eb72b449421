import type { Purpose, RetentionClass } from '@ngome/contracts'
import type { DataClass, ProcessRole } from '@ngome/kernel'

const hourMs = 3_600_000
const dispatchAgeMs = 72 * hourMs

export type PurposeRule = {
  readonly caller: ProcessRole
  readonly table: string
  readonly dataClass: DataClass
  readonly retention: RetentionClass
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
 * webhook-secret: an endpoint's secret signs each of its deliveries, so the count is by hour and generous.
 * vault-index: a token's fingerprint is computed once, soon after its acceptance; six covers crashes and retries.
 * callback-hint: a provider repeats a callback a few times; it is worthless after the payment's own time.
 */
export const purposeRules: Readonly<Record<Purpose, PurposeRule>> = {
  'dispatch': {
    caller: 'dispatcher', table: 'payments', dataClass: 'restricted', retention: 'payment',
    dataKeyAgeMsMax: dispatchAgeMs,
    perRecord: { timesMax: 12, windowMs: dispatchAgeMs },
    perHourMax: 360_000,
  },
  'webhook-secret': {
    caller: 'dispatcher', table: 'webhook_endpoints', dataClass: 'restricted', retention: 'credential',
    dataKeyAgeMsMax: null,
    perRecord: { timesMax: 20_000, windowMs: hourMs },
    perHourMax: 360_000,
  },
  'callback-hint': {
    caller: 'dispatcher', table: 'callback_hints', dataClass: 'restricted', retention: 'payment',
    dataKeyAgeMsMax: dispatchAgeMs,
    perRecord: { timesMax: 12, windowMs: dispatchAgeMs },
    perHourMax: 360_000,
  },
  'vault-index': {
    caller: 'dispatcher', table: 'vault_tokens', dataClass: 'restricted', retention: 'vault',
    dataKeyAgeMsMax: dispatchAgeMs,
    perRecord: { timesMax: 6, windowMs: dispatchAgeMs },
    perHourMax: 360_000,
  },
}

/** Blind indexes that may be computed within an hour: about two for each payment that may be dispatched. */
export const indexesPerHourMax = 720_000
