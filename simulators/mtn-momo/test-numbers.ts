import type { OperationName } from './operations.ts'

/** What becomes of a movement in the end. */
export type Outcome =
  | { readonly status: 'SUCCESSFUL' }
  | { readonly status: 'FAILED'; readonly reason: string }

/** What a number does: it is decided some time after the movement was taken, or the request itself is refused. */
export type Behaviour =
  | { readonly kind: 'decided'; readonly outcome: Outcome; readonly when: 'soon' | 'delayed' | 'expiry' }
  | { readonly kind: 'refused'; readonly status: number; readonly code: string; readonly message: string }

const failed = (reason: string, when: 'soon' | 'expiry' = 'soon'): Behaviour =>
  ({ kind: 'decided', outcome: { status: 'FAILED', reason }, when })
const refused = (status: number, code: string, message: string): Behaviour => ({ kind: 'refused', status, code, message })

/** Any number that MTN documents nothing for: the payer approves, the payee takes. */
export const approves: Behaviour = { kind: 'decided', outcome: { status: 'SUCCESSFUL' }, when: 'soon' }
const delayed: Behaviour = { kind: 'decided', outcome: { status: 'SUCCESSFUL' }, when: 'delayed' }
/** Never gets past PENDING by itself; MTN gives up on what nobody answered after five minutes, and so does the simulator. */
const ongoing = failed('COULD_NOT_PERFORM_TRANSACTION', 'expiry')
const wrongTarget = refused(500, 'NOT_ALLOWED_TARGET_ENVIRONMENT', 'Access to target environment is forbidden.')
const wrongHost = refused(500, 'INVALID_CALLBACK_URL_HOST', 'Callback URL with different host name then configured for API User.')
const wrongCurrency = refused(500, 'INVALID_CURRENCY', 'Currency not supported.')
const unavailable = refused(503, 'SERVICE_UNAVAILABLE', 'Service temporarily unavailable, try again later.')

/** What MTN documents for both ways: the last two digits of 467331234NN. */
const common: readonly [string, Behaviour][] = [
  ['50', failed('INTERNAL_PROCESSING_ERROR')],
  ['51', failed('APPROVAL_REJECTED')],
  ['52', failed('EXPIRED')],
  ['53', ongoing],
  ['54', delayed],
]

/** The numbers that MTN documents for request-to-pay in its sandbox. */
const payers: ReadonlyMap<string, Behaviour> = new Map([
  ...common,
  ['55', failed('PAYER_NOT_FOUND')],
  ['56', failed('PAYEE_NOT_ALLOWED_TO_RECEIVE')],
  ['57', failed('NOT_ALLOWED')],
  ['58', wrongTarget],
  ['59', wrongHost],
  ['60', wrongCurrency],
  ['61', failed('INTERNAL_PROCESSING_ERROR')],
  ['62', unavailable],
  ['63', failed('COULD_NOT_PERFORM_TRANSACTION')],
])

/** Those that it documents for transfers; for deposits the same. */
const payees: ReadonlyMap<string, Behaviour> = new Map([
  ...common,
  ['55', failed('NOT_ENOUGH_FUNDS')],
  ['56', failed('PAYER_LIMIT_REACHED')],
  ['57', failed('PAYEE_NOT_FOUND')],
  ['58', failed('NOT_ALLOWED')],
  ['59', wrongTarget],
  ['60', wrongHost],
  ['61', wrongCurrency],
  ['62', failed('INTERNAL_PROCESSING_ERROR')],
  ['63', unavailable],
])

/** What MTN documents for a `referenceIdToRefund` of 1 to 13; here also for the payers 46733123401 to 413, who pay. */
const refunds: ReadonlyMap<string, Behaviour> = new Map([
  ['1', failed('PAYER_NOT_FOUND')],
  ['2', failed('INTERNAL_PROCESSING_ERROR')],
  ['3', failed('APPROVAL_REJECTED')],
  ['4', failed('EXPIRED')],
  ['5', ongoing],
  ['6', delayed],
  ['7', failed('NOT_ALLOWED')],
  ['8', wrongTarget],
  ['9', wrongHost],
  ['10', wrongCurrency],
  ['11', failed('INTERNAL_PROCESSING_ERROR')],
  ['12', unavailable],
  ['13', failed('COULD_NOT_PERFORM_TRANSACTION')],
])
const refundedPayer = /^467331234(0[1-9]|1[0-3])$/

const prefix = '467331234'

/**
 * What becomes of an order by the numbers alone; whether there is money for it, the books say.
 * @param party the number at the other end
 */
export function behaviourOf(operation: OperationName, environment: string, party: string, referenceToRefund: string | null): Behaviour {
  if (environment !== 'sandbox') return approves
  if (operation === 'refund') {
    const id = refundedPayer.exec(party)?.[1]
    return refunds.get(id === undefined ? referenceToRefund ?? '' : String(Number(id))) ?? approves
  }
  if (!party.startsWith(prefix)) return approves
  return (operation === 'requesttopay' ? payers : payees).get(party.slice(prefix.length)) ?? approves
}

/** Whether MTN documents what happens to this `referenceIdToRefund`, which then names no payment. */
export function isDocumentedRefund(referenceToRefund: string): boolean {
  return refunds.has(referenceToRefund)
}
