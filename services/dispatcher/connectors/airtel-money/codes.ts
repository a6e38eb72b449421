import type { FailureCode } from '@ngome/contracts'

/** What a code says of a request or of a transaction that failed. */
type Meaning =
  /** Why a transaction failed; whether it did, its state says. */
  | 'reason'
  /** The router or the bus refused the request, before any money was looked at. */
  | 'refusal'
  /** We were heard, and nobody says with what end: ask, never retry blindly. */
  | 'ambiguous'
  /** There is a transaction under this id already; ids are ours alone, so that it is an earlier try. */
  | 'duplicate'
  | 'not_found'
  /** What was signed does not match: the key has changed, or somebody changed the message. Nothing was taken. */
  | 'signature'
type Row = { readonly means: Meaning; readonly failure: FailureCode; readonly confidence: 'high' | 'medium' | 'low'; readonly source: string }

const portal = 'Airtel Africa developer portal, response codes, as implementers of several countries copied them'
const some = 'some implementers\' copies; others have another meaning or none'
const seen = 'seen in implementers\' code, not documented'

const row = (means: Meaning, failure: FailureCode, confidence: Row['confidence'] = 'high', source: string = portal): Row =>
  ({ means, failure, confidence, source })

/**
 * Airtel's codes, what each means to us and to a merchant, and how sure we are. Published tables conflict between
 * countries: what became of money is read from the transaction's state alone, and a code only says why.
 */
export const codes: Readonly<Record<string, Row>> = {
  // Collection.
  DP00800001000: row('ambiguous', 'network_refused'),
  DP00800001002: row('reason', 'payer_refused'),
  DP00800001003: row('reason', 'limit_exceeded'),
  DP00800001004: row('reason', 'not_allowed'),
  DP00800001005: row('reason', 'payer_timed_out'),
  DP00800001006: row('ambiguous', 'network_refused'),
  DP00800001007: row('reason', 'insufficient_funds'),
  DP00800001008: row('reason', 'payer_refused'),
  DP00800001009: row('reason', 'not_allowed', 'medium'),
  DP00800001010: row('reason', 'payer_unknown'),
  DP00800001024: row('ambiguous', 'payer_timed_out'),
  DP00800001025: row('not_found', 'network_refused'),
  DP00800001026: row('signature', 'network_refused'),
  DP00800001029: row('reason', 'payer_timed_out'),
  // Disbursement.
  DP00900001000: row('ambiguous', 'network_refused'),
  DP00900001003: row('reason', 'limit_exceeded'),
  DP00900001004: row('reason', 'not_allowed'),
  DP00900001005: row('reason', 'network_refused'),
  DP00900001006: row('ambiguous', 'network_refused'),
  // Of our own account: not the merchant's fault, and nothing that a payee could mend.
  DP00900001007: row('reason', 'network_refused'),
  DP00900001009: row('reason', 'payer_unknown'),
  DP00900001010: row('reason', 'not_allowed'),
  // "Transaction with similar information already exists": whether it is ours, the enquiry tells.
  DP00900001011: row('ambiguous', 'not_allowed', 'medium', some),
  DP00900001012: row('reason', 'payer_unknown'),
  DP00900001013: row('reason', 'not_allowed'),
  DP00900001014: row('ambiguous', 'network_refused', 'medium', some),
  DP00900001015: row('not_found', 'network_refused', 'medium', some),
  DP00900001016: row('signature', 'network_refused', 'low', some),
  DP00900001017: row('duplicate', 'network_refused', 'medium', some),
  DP00900001018: row('signature', 'network_refused', 'medium', some),
  DP00900001019: row('reason', 'not_allowed', 'medium', some),
  // The service bus.
  ESB000001: row('ambiguous', 'network_refused'),
  ESB000004: row('ambiguous', 'network_refused'),
  ESB000008: row('refusal', 'network_refused', 'medium'),
  ESB000011: row('reason', 'network_refused', 'medium'),
  ESB000014: row('ambiguous', 'network_refused'),
  ESB000041: row('duplicate', 'network_refused'),
  ESB000045: row('reason', 'network_refused', 'medium', some),
  '0000900': row('ambiguous', 'network_refused', 'low', seen),
  // The router, which looks at a request before any service does.
  ROUTER001: row('refusal', 'payer_unknown', 'medium', seen),
  ROUTER003: row('refusal', 'network_refused', 'medium', seen),
  ROUTER005: row('refusal', 'network_refused', 'medium', seen),
  ROUTER006: row('refusal', 'network_refused', 'medium', seen),
  ROUTER007: row('refusal', 'network_refused', 'medium', seen),
  ROUTER112: row('refusal', 'network_refused', 'medium', seen),
  ROUTER114: row('refusal', 'network_refused', 'medium', seen),
  ROUTER115: row('refusal', 'network_refused', 'medium', seen),
  ROUTER116: row('refusal', 'network_refused', 'medium', seen),
  ROUTER117: row('ambiguous', 'network_refused', 'medium', seen),
}

/** @returns `undefined` for a code that we do not know, which therefore says nothing */
export function meaningOf(code: string): Meaning | undefined {
  return rowOf(code)?.means
}

/** A code that is not in the table is still a failure where the state says so; the table only says why. */
export function failureOf(code: string): FailureCode {
  return rowOf(code)?.failure ?? 'network_refused'
}

function rowOf(code: string): Row | undefined {
  return Object.hasOwn(codes, code) ? codes[code] : undefined
}
