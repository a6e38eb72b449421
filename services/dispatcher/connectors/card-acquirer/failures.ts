import type { FailureCode } from '@ngome/contracts'

type Row = {
  readonly failure: FailureCode
  /** What the operator reads beside the code. */
  readonly name: string
  /** Whether the acquirer gives it when it refuses the request itself, so that nothing was taken. */
  readonly isRefusal: boolean
  readonly source: string
}

const iso = 'ISO 8583-1:1987 field 39, as acquirers pass it on'
const own = 'simulators/card-acquirer/README.md, "Codes"'

const declined = (failure: FailureCode, name: string): Row => ({ failure, name, isRefusal: false, source: iso })

/**
 * The codes of an acquirer, what each means to a merchant, and how we know. Lost, stolen and suspected cards are declined like any
 * other: who holds one learns nothing of it from a shop.
 */
export const failures: Readonly<Record<string, Row>> = {
  '05': declined('card_declined', 'do_not_honor'),
  '14': declined('card_unusable', 'no_such_card'),
  '41': declined('card_declined', 'lost_card'),
  '43': declined('card_declined', 'stolen_card'),
  '51': declined('insufficient_funds', 'insufficient_funds'),
  '54': declined('card_expired', 'expired_card'),
  '57': declined('not_allowed', 'not_permitted_to_holder'),
  '59': declined('card_declined', 'suspected_fraud'),
  '61': declined('limit_exceeded', 'exceeds_amount_limit'),
  '62': declined('not_allowed', 'restricted_card'),
  '65': declined('limit_exceeded', 'exceeds_count_limit'),
  '91': declined('network_refused', 'issuer_away'),
  '96': declined('network_refused', 'system_malfunction'),
  authentication_failed: { failure: 'authentication_failed', name: '', isRefusal: false, source: own },
  authentication_expired: { failure: 'payer_timed_out', name: '', isRefusal: false, source: own },
  card_not_supported: { failure: 'card_unusable', name: '', isRefusal: true, source: own },
  request_invalid: { failure: 'network_refused', name: '', isRefusal: true, source: own },
  not_refundable: { failure: 'not_allowed', name: '', isRefusal: true, source: own },
  refund_exceeds: { failure: 'not_allowed', name: '', isRefusal: true, source: own },
}

/** A code that is not in the table is still a failure: the state says so, the table only says why. */
export function failureOf(code: string): { readonly failure: FailureCode; readonly reason: string } {
  const row = rowOf(code)
  return { failure: row?.failure ?? 'network_refused', reason: row === undefined || row.name === '' ? code : `${code} ${row.name}` }
}

/** @returns the failure where the answer to a request says, by a documented code, that nothing was taken */
export function refusalOf(code: string): FailureCode | undefined {
  const row = rowOf(code)
  return row?.isRefusal === true ? row.failure : undefined
}

function rowOf(code: string): Row | undefined {
  return Object.hasOwn(failures, code) ? failures[code] : undefined
}
