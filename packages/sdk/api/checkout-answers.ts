// Generated from the OpenAPI document by `npm run generate:sdk`; a test holds it to the document.

export type CheckoutSession = {
  readonly id: `cos_${string}`
  readonly object: 'checkout_session'
  readonly world: 'test' | 'live'
  readonly status: 'open' | 'processing' | 'paid' | 'failed' | 'reversed' | 'cancelled' | 'expired'
  readonly amount: string
  readonly currency: string
  readonly reference: string
  readonly networks: readonly string[]
  /** The payment of the last try; `null` before the first. */
  readonly payment: `pay_${string}` | null
  /** How often payers may still be asked. */
  readonly tries_left: number
  readonly expires_at: string
  readonly created_at: string
}

export type CreatedCheckoutSession = {
  readonly id: `cos_${string}`
  readonly object: 'checkout_session'
  readonly world: 'test' | 'live'
  readonly status: 'open' | 'processing' | 'paid' | 'failed' | 'reversed' | 'cancelled' | 'expired'
  readonly amount: string
  readonly currency: string
  readonly reference: string
  readonly networks: readonly string[]
  /** The payment of the last try; `null` before the first. */
  readonly payment: `pay_${string}` | null
  /** How often payers may still be asked. */
  readonly tries_left: number
  readonly expires_at: string
  readonly created_at: string
  /** The link for the payer, shown this once; `null` where a repeated request gets this answer again. */
  readonly url: string | null
}
