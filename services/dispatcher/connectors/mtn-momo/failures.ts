import type { FailureCode, PaymentDirection } from '@ngome/contracts'

type Row = {
  /** What it means to a merchant, where one code means one thing whichever way the money goes; else for each direction. */
  readonly failure: FailureCode | Readonly<Record<PaymentDirection, FailureCode>>
  /** Whether MTN gives this code when it refuses the request itself, so that nothing was taken. */
  readonly isRefusal: boolean
  readonly source: string
}

const common = 'MTN developer portal, "Common errors"'
const sandbox = 'MTN developer portal, sandbox test numbers'
const reasons = 'MTN\'s API description, ErrorReason'

/**
 * MTN's reasons and error codes, what each means to a merchant, and how we know. The person at the other end is the
 * "payer" of our codes whichever way the money goes; a payout that fails for want of our own float is no fault of theirs
 * nor of the merchant, and the operator reads MTN's code.
 */
export const failures: Readonly<Record<string, Row>> = {
  APPROVAL_REJECTED: { failure: 'payer_refused', isRefusal: false, source: reasons },
  PAYMENT_NOT_APPROVED: { failure: 'payer_refused', isRefusal: false, source: reasons },
  TRANSACTION_CANCELED: { failure: 'payer_refused', isRefusal: false, source: reasons },
  EXPIRED: { failure: 'payer_timed_out', isRefusal: false, source: reasons },
  COULD_NOT_PERFORM_TRANSACTION: { failure: ours('payer_timed_out', 'network_refused'), isRefusal: false, source: common },
  PAYER_NOT_FOUND: { failure: 'payer_unknown', isRefusal: false, source: common },
  PAYEE_NOT_FOUND: { failure: { collection: 'network_refused', payout: 'payer_unknown', refund: 'payer_unknown' }, isRefusal: false, source: common },
  // "Predominantly occurs due to insufficient customer funds": MTN's own advice is to tell the payer so.
  INTERNAL_PROCESSING_ERROR: { failure: ours('insufficient_funds', 'network_refused'), isRefusal: false, source: common },
  NOT_ENOUGH_FUNDS: { failure: ours('insufficient_funds', 'network_refused'), isRefusal: false, source: sandbox },
  PAYER_LIMIT_REACHED: { failure: ours('limit_exceeded', 'network_refused'), isRefusal: false, source: sandbox },
  PAYEE_NOT_ALLOWED_TO_RECEIVE: { failure: 'not_allowed', isRefusal: false, source: sandbox },
  NOT_ALLOWED: { failure: 'not_allowed', isRefusal: false, source: sandbox },
  NOT_ALLOWED_TARGET_ENVIRONMENT: { failure: 'network_refused', isRefusal: true, source: common },
  INVALID_CALLBACK_URL_HOST: { failure: 'network_refused', isRefusal: true, source: common },
  INVALID_CURRENCY: { failure: 'network_refused', isRefusal: true, source: common },
}

/** A reason that is not in the table is still a failure: the state says so, the table only says why. */
export function failureOf(direction: PaymentDirection, reason: string): FailureCode {
  const failure = rowOf(reason)?.failure ?? 'network_refused'
  return typeof failure === 'string' ? failure : failure[direction]
}

/** @returns the failure where MTN's answer to a request says, by a documented code, that nothing was taken */
export function refusalOf(direction: PaymentDirection, code: string): FailureCode | undefined {
  return rowOf(code)?.isRefusal === true ? failureOf(direction, code) : undefined
}

/** Of a collection the payer's own; where we pay, our account's. */
function ours(collection: FailureCode, paying: FailureCode): Readonly<Record<PaymentDirection, FailureCode>> {
  return { collection, payout: paying, refund: paying }
}

function rowOf(code: string): Row | undefined {
  return Object.hasOwn(failures, code) ? failures[code] : undefined
}
