/** How a country's Airtel Money wants the PIN of a disbursement: RSAES-PKCS1-v1_5 with 1024 bits, or RSAES-OAEP with SHA-256 and 2048. */
export type PinScheme = 'rsa-pkcs1' | 'rsa-oaep-sha256'
export type Country = {
  readonly currency: string
  readonly callingCode: string
  /** Whether requests that move money must be signed. */
  readonly signsMessages: boolean
  readonly pinScheme: PinScheme
}

/** The countries spoken here: one with all of the protocol, one without signatures and with the old PIN, one between. */
export const countries: ReadonlyMap<string, Country> = new Map([
  ['UG', { currency: 'UGX', callingCode: '256', signsMessages: true, pinScheme: 'rsa-oaep-sha256' }],
  ['KE', { currency: 'KES', callingCode: '254', signsMessages: false, pinScheme: 'rsa-pkcs1' }],
  ['ZM', { currency: 'ZMW', callingCode: '260', signsMessages: true, pinScheme: 'rsa-pkcs1' }],
])
