// Generated from the OpenAPI document by `npm run generate:sdk`; a test holds it to the document.

export type Payout = {
  readonly id: `pyt_${string}`
  readonly object: 'payout'
  readonly world: 'test' | 'live'
  /** docs/payment-states.md says what each means. */
  readonly status: 'awaiting_approval' | 'accepted' | 'processing' | 'in_doubt' | 'succeeded' | 'failed' | 'cancelled' | 'reversed'
  readonly amount: string
  /** What is taken of your balance beside the amount. */
  readonly fee: string
  readonly currency: string
  readonly network: string
  readonly payee: {
    /** Masked. */
    readonly phone: string
  }
  readonly reference: string
  readonly failure: {
    readonly code: 'payer_refused' | 'payer_timed_out' | 'payer_unknown' | 'insufficient_funds' | 'limit_exceeded' | 'not_allowed' | 'network_refused' | 'record_refused' | 'approval_refused' | 'approval_expired'
  } | null
  readonly created_at: string
  readonly updated_at: string
}

export type PayoutPage = {
  readonly object: 'list'
  readonly data: readonly Payout[]
  readonly next_cursor: string | null
}
