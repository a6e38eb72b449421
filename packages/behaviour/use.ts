import type { AnomalyKind } from '@ngome/contracts'

/** What a key did in one hour, whole or so far. Only requests that were proven to be of the key. */
export type HourUse = {
  /** The hour's beginning, UTC, in milliseconds. */
  readonly hourMs: number
  /** Requests by operation. */
  readonly operations: Readonly<Record<string, number>>
  readonly refused: number
  readonly notFound: number
  /** How many different ids were not found. */
  readonly missedIds: number
  /** Requests by ISO 3166-1 country; those whose address has none are left out. */
  readonly countries: Readonly<Record<string, number>>
  /** Requests by network: /24 of IPv4, /48 of IPv6. */
  readonly networks: Readonly<Record<string, number>>
  /** Payments by currency and size, as `amountBucket` names them. */
  readonly amounts: Readonly<Record<string, number>>
}

/** What a key did in the last minutes, as a burst is seen in. */
export type RecentUse = {
  readonly requests: number
  readonly refused: number
  readonly notFound: number
  readonly missedIds: number
  /** How many different payers were named, and how many payments failed for a reason that lies with the payer. */
  readonly payers: number
  readonly failedPayers: number
}

/** Something unusual: how sure we are, from 0 to 100, why, in a sentence, and the numbers behind it. */
export type Anomaly = {
  readonly kind: AnomalyKind
  /** What of the kind: the country, network, operation or currency. */
  readonly subject: string
  readonly score: number
  readonly reason: string
  readonly evidence: Readonly<Record<string, number | string>>
}

export const hourMs = 3_600_000
export const dayMs = 24 * hourMs
