import type { FailureCode } from '@ngome/contracts'

type Row = {
  readonly failure: FailureCode
  /** Whether MTN gives this code when it refuses the request itself, so that nothing was taken. */
  readonly isRefusal: boolean
  readonly source: string
}

const documented = 'MTN developer portal, "Common errors"'
const sandbox = 'MTN developer portal, sandbox test numbers'
const seen = 'seen in implementers\' code, not documented'

/** MTN's reasons and error codes, what each means to a merchant, and how we know. */
export const failures: Readonly<Record<string, Row>> = {
  APPROVAL_REJECTED: { failure: 'payer_refused', isRefusal: false, source: seen },
  TRANSACTION_CANCELED: { failure: 'payer_refused', isRefusal: false, source: seen },
  EXPIRED: { failure: 'payer_timed_out', isRefusal: false, source: seen },
  COULD_NOT_PERFORM_TRANSACTION: { failure: 'payer_timed_out', isRefusal: false, source: documented },
  PAYER_NOT_FOUND: { failure: 'payer_unknown', isRefusal: false, source: documented },
  // "Predominantly occurs due to insufficient customer funds": MTN's own advice is to tell the payer so.
  INTERNAL_PROCESSING_ERROR: { failure: 'insufficient_funds', isRefusal: false, source: documented },
  NOT_ENOUGH_FUNDS: { failure: 'insufficient_funds', isRefusal: false, source: seen },
  PAYER_LIMIT_REACHED: { failure: 'limit_exceeded', isRefusal: false, source: seen },
  PAYEE_NOT_ALLOWED_TO_RECEIVE: { failure: 'not_allowed', isRefusal: false, source: sandbox },
  NOT_ALLOWED: { failure: 'not_allowed', isRefusal: false, source: sandbox },
  NOT_ALLOWED_TARGET_ENVIRONMENT: { failure: 'network_refused', isRefusal: true, source: documented },
  INVALID_CALLBACK_URL_HOST: { failure: 'network_refused', isRefusal: true, source: documented },
  INVALID_CURRENCY: { failure: 'network_refused', isRefusal: true, source: documented },
}

/** A reason that is not in the table is still a failure: the state says so, the table only says why. */
export function failureOf(reason: string): FailureCode {
  return rowOf(reason)?.failure ?? 'network_refused'
}

/** @returns the failure where MTN's answer to a request says, by a documented code, that nothing was taken */
export function refusalOf(code: string): FailureCode | undefined {
  const row = rowOf(code)
  return row?.isRefusal === true ? row.failure : undefined
}

function rowOf(code: string): Row | undefined {
  return Object.hasOwn(failures, code) ? failures[code] : undefined
}
