// Generated from the OpenAPI document by `npm run generate:sdk`; a test holds it to the document.

export type DecidedPayout = {
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
    /** Masked; `null` of a card. */
    readonly phone: string | null
    /** Of a card alone: its last four digits. */
    readonly card?: string
  }
  readonly reference: string
  readonly failure: {
    readonly code: 'payer_refused' | 'payer_timed_out' | 'payer_unknown' | 'insufficient_funds' | 'limit_exceeded' | 'not_allowed' | 'network_refused' | 'record_refused' | 'approval_refused' | 'approval_expired' | 'card_declined' | 'card_expired' | 'card_unusable' | 'authentication_failed'
  } | null
  readonly created_at: string
  readonly updated_at: string
  /** Of a payout that needs a second person. */
  readonly approval?: {
    readonly asked: {
      readonly key: `key_${string}`
      readonly signing_key: `msk_${string}`
      readonly at: string
    }
    readonly answer: {
      readonly decision: 'approved' | 'refused'
      readonly key: `key_${string}`
      readonly signing_key: `msk_${string}`
      readonly at: string
    } | null
    /** Without an answer until then it fails. */
    readonly expires_at: string
  }
}

export type ListNetworksAnswer = {
  readonly object: 'list'
  /** Every network of your world. */
  readonly data: readonly ({
    readonly object: 'network'
    readonly name: string
    readonly world: 'test' | 'live'
    /** ISO 4217 code. */
    readonly currency: string
    /** ISO 3166 code, by how its numbers begin. */
    readonly country: string | null
    /** How its numbers begin, without the plus sign; `null` of a network of cards. */
    readonly calling_code: string | null
    /** Which ways money goes by it. */
    readonly directions: readonly ('collection' | 'payout' | 'refund')[]
    /** degraded: it fails at times, or nobody has looked for a while. down: payments wait. maintenance: it is closed, as announced. */
    readonly status: 'operational' | 'degraded' | 'down' | 'maintenance'
    /** Since when; null where that is not known. */
    readonly since: string | null
    /** When it is closed, now or later. */
    readonly maintenance: readonly {
      readonly from: string
      readonly to: string
      readonly reason: string
    }[]
  })[]
}

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
    /** Masked; `null` of a card. */
    readonly phone: string | null
    /** Of a card alone: its last four digits. */
    readonly card?: string
  }
  readonly reference: string
  readonly failure: {
    readonly code: 'payer_refused' | 'payer_timed_out' | 'payer_unknown' | 'insufficient_funds' | 'limit_exceeded' | 'not_allowed' | 'network_refused' | 'record_refused' | 'approval_refused' | 'approval_expired' | 'card_declined' | 'card_expired' | 'card_unusable' | 'authentication_failed'
  } | null
  readonly created_at: string
  readonly updated_at: string
}

export type PayoutBatch = {
  readonly id: `pbt_${string}`
  readonly object: 'payout_batch'
  readonly world: 'test' | 'live'
  readonly status: 'open' | 'awaiting_approval' | 'complete' | 'refused' | 'expired' | 'cancelling' | 'cancelled'
  readonly reference: string
  readonly currency: string
  readonly count: number
  readonly total: string
  readonly accepted: {
    readonly count: number
    readonly total: string
  }
  /** How its payouts stand now, with what they come to. */
  readonly by_status: readonly ({
    readonly status: 'awaiting_approval' | 'accepted' | 'processing' | 'in_doubt' | 'succeeded' | 'failed' | 'cancelled' | 'reversed'
    readonly count: number
    readonly total: string
  })[]
  /** Of a batch that needs a second person. */
  readonly approval?: {
    readonly asked: {
      readonly key: `key_${string}`
      readonly signing_key: `msk_${string}`
      readonly at: string
    }
    readonly answer: {
      readonly decision: 'approved' | 'refused'
      readonly key: `key_${string}`
      readonly signing_key: `msk_${string}`
      readonly at: string
    } | null
    /** Without an answer until then it fails. */
    readonly expires_at: string
    /** What a second person signs for: all parts with their numbers. `null` until the last row came. */
    readonly parts_digest: string | null
  }
  readonly created_at: string
  readonly updated_at: string
}

export type PayoutBatchPart = {
  readonly id: `pbp_${string}`
  readonly object: 'payout_batch_part'
  readonly world: 'test' | 'live'
  readonly batch: `pbt_${string}`
  readonly part: number
  readonly count: number
  readonly total: string
  /** What is taken of your balance beside the total. */
  readonly fee: string
  readonly currency: string
  readonly created_at: string
}

export type PayoutPage = {
  readonly object: 'list'
  readonly data: readonly Payout[]
  readonly next_cursor: string | null
}

export type Refund = {
  readonly id: `rfd_${string}`
  readonly object: 'refund'
  /** What it gives back. */
  readonly payment: `pay_${string}`
  readonly world: 'test' | 'live'
  /** docs/payment-states.md says what each means. */
  readonly status: 'awaiting_approval' | 'accepted' | 'processing' | 'in_doubt' | 'succeeded' | 'failed' | 'cancelled' | 'reversed'
  readonly amount: string
  /** What is taken of your balance beside the amount. */
  readonly fee: string
  readonly currency: string
  readonly network: string
  readonly payee: {
    /** Masked; `null` of a card. */
    readonly phone: string | null
    /** Of a card alone: its last four digits. */
    readonly card?: string
  }
  readonly reference: string
  readonly failure: {
    readonly code: 'payer_refused' | 'payer_timed_out' | 'payer_unknown' | 'insufficient_funds' | 'limit_exceeded' | 'not_allowed' | 'network_refused' | 'record_refused' | 'approval_refused' | 'approval_expired' | 'card_declined' | 'card_expired' | 'card_unusable' | 'authentication_failed'
  } | null
  readonly created_at: string
  readonly updated_at: string
}

export type RefundPage = {
  readonly object: 'list'
  readonly data: readonly Refund[]
  readonly next_cursor: string | null
}
