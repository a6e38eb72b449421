/** An answer in Airtel's words. */
export type Answer = { readonly status: number; readonly body: Readonly<Record<string, unknown>> }

/** What Airtel's open API says with each code; published tables differ between countries, these are the most frequent. */
const messages: Readonly<Record<string, string>> = {
  DP00800001000: 'Ambiguous', DP00800001001: 'Success', DP00800001002: 'Incorrect Pin', DP00800001003: 'Withdrawal amount limit exceeded',
  DP00800001004: 'Invalid Amount', DP00800001005: 'User didn\'t enter the pin', DP00800001006: 'In process',
  DP00800001007: 'Not enough balance', DP00800001008: 'Refused', DP00800001009: 'Do not honor',
  DP00800001010: 'Transaction not permitted to Payee', DP00800001024: 'Transaction Timed Out', DP00800001025: 'Transaction Not Found',
  DP00800001026: 'X-signature and payload did not match', DP00800001029: 'Transaction Expired',
  DP00900001000: 'Ambiguous', DP00900001001: 'Success', DP00900001003: 'Maximum transaction limit reached', DP00900001004: 'Invalid Amount',
  DP00900001005: 'Failed', DP00900001006: 'Processing', DP00900001007: 'Insufficient Funds', DP00900001009: 'Invalid Initiatee',
  DP00900001010: 'User not allowed', DP00900001012: 'Invalid mobile number', DP00900001013: 'Refused', DP00900001014: 'Transaction Timed Out',
  DP00900001015: 'Transaction Not Found', DP00900001017: 'Duplicate transaction Id', DP00900001018: 'X-signature and payload did not match',
  DP00900001019: 'Payee is barred', DP02010001001: 'Successfully fetched Encryption Key', DP02100000001: 'Success',
  DP02200000000: 'User enquiry failed', DP02200000001: 'Success',
  ESB000001: 'Something went wrong', ESB000008: 'Field validation', ESB000010: 'SUCCESS', ESB000011: 'Failed',
  ESB000041: 'External transaction id already exists', ESB000045: 'No transaction found with the provided id',
  ROUTER001: 'User wallet is not configured', ROUTER006: 'Invalid country code provided',
  ROUTER007: 'Not authorized to perform any operations in the provided country', ROUTER112: 'Invalid currency provided',
  ROUTER115: 'Pin you have entered is incorrect', ROUTER116: 'The encrypted value of the pin is incorrect', ROUTER117: 'Request timed out',
}

export function messageOf(code: string): string {
  return messages[code] ?? code
}

/** An answer in the envelope of the services behind the router. */
export function envelope(code: string, data?: object, resultCode = 'ESB000010'): Answer {
  const isSuccess = successCodes.has(code)
  const body = {
    ...(data === undefined ? {} : { data }),
    status: { code: '200', message: messageOf(code), result_code: isSuccess ? resultCode : 'ESB000011', response_code: code, success: isSuccess },
  }
  return { status: 200, body }
}

const successCodes: ReadonlySet<string> = new Set([
  'DP00800001001', 'DP00800001006', 'DP00900001001', 'DP00900001006', 'DP02010001001', 'DP02100000001', 'DP02200000001',
])

/** A no of the service bus, in the envelope but without a response code. */
export function busRefusal(code: string, status = 400): Answer {
  return { status, body: { status: { code: String(status), message: messageOf(code), result_code: code, success: false } } }
}

/** A no of the router, before any service saw the request. */
export function routerRefusal(code: string, status = 400): Answer {
  return { status, body: { status_code: code, status_message: messageOf(code) } }
}

export const unauthorised: Answer = { status: 401, body: { error: 'invalid_token', error_description: 'Invalid access token' } }
export const rateCapped: Answer = { status: 429, body: { status_code: 'ROUTER429', status_message: 'Too many requests' } }

export function brokenAnswer(status: number): Answer {
  return { status, body: { message: 'Internal server error' } }
}
