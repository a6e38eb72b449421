/** What becomes of a charge in the end. */
export type Outcome =
  | { readonly status: 'SUCCESSFUL' }
  | { readonly status: 'FAILED'; readonly reason: string }

/** What a payer's number does: it is decided some time after the charge was taken, or the request itself is refused. */
export type Behaviour =
  | { readonly kind: 'decided'; readonly outcome: Outcome; readonly when: 'soon' | 'delayed' | 'expiry' }
  | { readonly kind: 'refused'; readonly status: number; readonly code: string; readonly message: string }

const failed = (reason: string, when: 'soon' | 'expiry' = 'soon'): Behaviour =>
  ({ kind: 'decided', outcome: { status: 'FAILED', reason }, when })
const refused = (status: number, code: string, message: string): Behaviour => ({ kind: 'refused', status, code, message })

/** Any number that MTN documents nothing for: the payer approves. */
export const approves: Behaviour = { kind: 'decided', outcome: { status: 'SUCCESSFUL' }, when: 'soon' }

/**
 * The numbers that MTN documents for request-to-pay in its sandbox. 53 never gets past PENDING by itself; MTN gives up
 * on an unanswered prompt after five minutes, and so does the simulator.
 */
export const sandboxNumbers: ReadonlyMap<string, Behaviour> = new Map([
  ['46733123450', failed('INTERNAL_PROCESSING_ERROR')],
  ['46733123451', failed('APPROVAL_REJECTED')],
  ['46733123452', failed('EXPIRED')],
  ['46733123453', failed('COULD_NOT_PERFORM_TRANSACTION', 'expiry')],
  ['46733123454', { kind: 'decided', outcome: { status: 'SUCCESSFUL' }, when: 'delayed' }],
  ['46733123455', failed('PAYER_NOT_FOUND')],
  ['46733123456', failed('PAYEE_NOT_ALLOWED_TO_RECEIVE')],
  ['46733123457', failed('NOT_ALLOWED')],
  ['46733123458', refused(500, 'NOT_ALLOWED_TARGET_ENVIRONMENT', 'Access to target environment is forbidden.')],
  ['46733123459', refused(500, 'INVALID_CALLBACK_URL_HOST', 'Callback URL with different host name then configured for API User.')],
  ['46733123460', refused(500, 'INVALID_CURRENCY', 'Currency not supported.')],
  ['46733123461', failed('INTERNAL_PROCESSING_ERROR')],
  ['46733123462', refused(503, 'SERVICE_UNAVAILABLE', 'Service temporarily unavailable, try again later.')],
  ['46733123463', failed('COULD_NOT_PERFORM_TRANSACTION')],
])

/** The target environments spoken here, with their one currency and how a payer's number starts. */
export const environments: ReadonlyMap<string, { readonly currency: string; readonly callingCode: string }> = new Map([
  ['sandbox', { currency: 'EUR', callingCode: '46' }],
  ['mtnuganda', { currency: 'UGX', callingCode: '256' }],
])

export function behaviourOf(environment: string, payer: string): Behaviour {
  return environment === 'sandbox' ? sandboxNumbers.get(payer) ?? approves : approves
}
