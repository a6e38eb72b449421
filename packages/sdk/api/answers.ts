// Generated from the OpenAPI document by `npm run generate:sdk`; a test holds it to the document.

export type ApiKey = {
  readonly id: `key_${string}`
  readonly object: 'api_key'
  readonly world: 'test' | 'live'
  readonly prefix: string
  readonly state: 'valid' | 'ended' | 'revoked' | 'invalid'
  readonly name: string
  readonly kind: 'secret' | 'publishable'
  readonly scopes: readonly string[]
  readonly allowed_addresses: readonly string[]
  readonly caps: {
    readonly amount_max: Readonly<Record<string, string>>
    readonly day_total_max: Readonly<Record<string, string>>
    readonly currencies: readonly string[]
    readonly networks: readonly string[]
  }
  readonly must_sign: boolean
  readonly created_at: string
  /** Seconds; `null`: by the operator’s policy alone. */
  readonly rotate_after: number | null
  /** A key that was rolled works until then. */
  readonly expires_at: string | null
  readonly revoked_at: string | null
  /** Some seconds behind. */
  readonly last_used_at: string | null
  /** From where: /24 of an IPv4 address, /48 of an IPv6 one. */
  readonly last_network: string | null
  readonly last_agent: string | null
  readonly age_days: number
  /** Roll it before then. */
  readonly rotate_by: string
  /** It works and is older than it should be. */
  readonly is_rotation_due: boolean
  /** It works and nobody used it for long: revoke it where nobody needs it. */
  readonly is_unused: boolean
}

export type ApiKeyPage = {
  readonly object: 'list'
  readonly data: readonly ApiKey[]
  readonly next_cursor: string | null
}

export type CreateVaultTokensAnswer = {
  readonly object: 'vault_batch'
  /** One for each item, in their order. */
  readonly results: readonly ({
    /** The token, or `null` where the item was refused. */
    readonly id: `tok_${string}` | null
    /** The first field that was refused, within the item. */
    readonly error: {
      readonly pointer: string
      readonly detail: string
    } | null
  })[]
}

export type CreatedApiKey = {
  readonly id: `key_${string}`
  readonly object: 'api_key'
  readonly world: 'test' | 'live'
  readonly prefix: string
  readonly state: 'valid' | 'ended' | 'revoked' | 'invalid'
  readonly name: string
  readonly kind: 'secret' | 'publishable'
  readonly scopes: readonly string[]
  readonly allowed_addresses: readonly string[]
  readonly caps: {
    readonly amount_max: Readonly<Record<string, string>>
    readonly day_total_max: Readonly<Record<string, string>>
    readonly currencies: readonly string[]
    readonly networks: readonly string[]
  }
  readonly must_sign: boolean
  readonly created_at: string
  /** Seconds; `null`: by the operator’s policy alone. */
  readonly rotate_after: number | null
  /** A key that was rolled works until then. */
  readonly expires_at: string | null
  readonly revoked_at: string | null
  /** Some seconds behind. */
  readonly last_used_at: string | null
  /** From where: /24 of an IPv4 address, /48 of an IPv6 one. */
  readonly last_network: string | null
  readonly last_agent: string | null
  readonly age_days: number
  /** Roll it before then. */
  readonly rotate_by: string
  /** It works and is older than it should be. */
  readonly is_rotation_due: boolean
  /** It works and nobody used it for long: revoke it where nobody needs it. */
  readonly is_unused: boolean
  /** The key, shown this once. `null` where a repeated request gets this answer again. */
  readonly secret: string | null
  /** `shown_before`: nobody has it any more but who got the first answer. If that was lost, roll this key. */
  readonly secret_status: 'shown' | 'shown_before'
}

export type Forward = {
  readonly id: `fwd_${string}`
  readonly object: 'forward'
  readonly world: 'test' | 'live'
  readonly status: 'accepted' | 'sent' | 'answered' | 'failed' | 'unknown'
  readonly failure: {
    readonly code: 'destination_refused' | 'token_unknown' | 'token_unopenable' | 'value_refused' | 'template_refused' | 'unreachable' | 'too_late'
  } | null
  /** Kept for an hour, then gone. */
  readonly answer: {
    readonly status: number
    readonly headers: Readonly<Record<string, string>>
    /** Without any form of the values that were sent; `null` where it was withheld. */
    readonly body: string | null
    /** Why there is no body: of a type or an encoding that cannot be searched, larger than 48 KiB, or values that could not be removed. */
    readonly body_withheld: 'media_type' | 'encoding' | 'not_text' | 'too_large' | 'values_in_it' | null
  } | null
  readonly created_at: string
  readonly ended_at: string | null
}

export type Limits = {
  readonly object: 'limits'
  readonly world: 'test' | 'live'
  /** Of the key that asks. */
  readonly key: {
    /** Tokens that come back each second. */
    readonly rate_per_second: number
    /** Tokens that there can be at once. */
    readonly burst: number
    /** Whole tokens left, this call paid. */
    readonly remaining: number
    /** Seconds until all of them are there again. */
    readonly reset_seconds: number
  }
  /** Of all your keys of this world together. */
  readonly merchant: {
    /** Tokens that come back each second. */
    readonly rate_per_second: number
    /** Tokens that there can be at once. */
    readonly burst: number
    /** Whole tokens left, this call paid. */
    readonly remaining: number
    /** Seconds until all of them are there again. */
    readonly reset_seconds: number
  }
  /** Of all your keys together, for each operation. */
  readonly routes: readonly {
    readonly operation: string
    /** Tokens that one call takes from each of the three. */
    readonly cost: number
    /** Tokens that come back each second. */
    readonly rate_per_second: number
    /** Tokens that there can be at once. */
    readonly burst: number
    /** Whole tokens left, this call paid. */
    readonly remaining: number
    /** Seconds until all of them are there again. */
    readonly reset_seconds: number
  }[]
}

export type ListAlertsAnswer = {
  readonly object: 'list'
  readonly data: readonly ({
    readonly id: `alt_${string}`
    readonly object: 'alert'
    readonly at: string
    readonly key: `key_${string}`
    readonly kind: 'new_country' | 'new_network' | 'unusual_hour' | 'volume' | 'amount' | 'error_burst' | 'enumeration' | 'long_sleep' | 'failed_authentications'
    /** How sure we are that this is not you. */
    readonly score: number
    /** In a sentence. */
    readonly reason: string
    /** The numbers behind the reason, as text. */
    readonly evidence: Readonly<Record<string, string>>
    /** What was done by the operator’s policy. */
    readonly response: 'notify' | 'demand_signed' | 'throttle' | 'suspend'
  })[]
  readonly next_cursor: string | null
}

export type ListBalancesAnswer = {
  readonly object: 'list'
  /** One for each currency that you had payments in. */
  readonly data: readonly ({
    readonly object: 'balance'
    readonly world: 'test' | 'live'
    /** ISO 4217 code. */
    readonly currency: string
    /** What you can pay out or give back now. Never below zero; what you owe is not in it. */
    readonly available: string
    /** What payers were asked for and have not paid yet. */
    readonly pending: string
    /** What is on its way out, or back to payers, and not there yet. */
    readonly reserved: string
    /** What you owe beyond what is there, because networks took payments back. It is repaid of what comes in. */
    readonly owed: string
  })[]
}

export type ListRequestsAnswer = {
  readonly object: 'list'
  readonly data: readonly ({
    readonly id: `req_${string}`
    readonly object: 'request'
    readonly at: string
    readonly key: `key_${string}`
    readonly operation: string
    readonly status: number
    /** The `code` of the refusal. */
    readonly fault: string | null
    readonly latency_ms: number
    readonly address: string | null
    readonly country: string | null
    readonly agent: string | null
  })[]
  readonly next_cursor: string | null
}

export type ListUsageAnswer = {
  readonly object: 'usage'
  readonly world: 'test' | 'live'
  readonly by: 'minute' | 'hour'
  readonly data: readonly {
    readonly key: `key_${string}`
    /** When it begins, UTC. */
    readonly at: string
    /** Proven to be of this key. */
    readonly requests: number
    /** Of them answered 4xx. */
    readonly refused: number
    /** Of them answered 5xx: our failures. */
    readonly failed: number
    /** Requests that named this key and did not prove it; in no other count. */
    readonly unauthenticated: number
    /** Requests beyond what the request log takes: counted here, not listed there. */
    readonly unlogged: number
    readonly latency_ms: {
      readonly mean: number
      readonly max: number
    }
    readonly operations: Readonly<Record<string, number>>
    readonly addresses: Readonly<Record<string, number>>
    /** ISO 3166-1; `unknown` where an address has none. */
    readonly countries: Readonly<Record<string, number>>
    readonly agents: Readonly<Record<string, number>>
    /** Payments that were accepted, by currency. */
    readonly payments: Readonly<Record<string, {
      readonly count: number
      /** Decimal string in major units. */
      readonly total: string
    }>>
  }[]
}

export type ListVaultKeysAnswer = {
  readonly object: 'list'
  readonly data: readonly {
    readonly id: `mek_${string}`
    readonly object: 'vault_key'
    /** How values are sealed to it. */
    readonly suite: string
    readonly not_before: string
    /** From this moment on values sealed to it are not taken. */
    readonly not_after: string
    /** What the custodian signed of the key, the key with it. Believe nothing else here: check its signature with the statement key that the operator gave you by another way, then that merchant, world, class (`vault`), suite and dates are what you expect. The sealer does all of that. */
    readonly statement: string
  }[]
}

export type Payment = {
  readonly id: `pay_${string}`
  readonly object: 'payment'
  readonly world: 'test' | 'live'
  readonly status: 'awaiting_approval' | 'accepted' | 'processing' | 'in_doubt' | 'succeeded' | 'failed' | 'cancelled' | 'reversed'
  readonly amount: string
  /** What is taken of the amount when it has come. */
  readonly fee: string
  readonly currency: string
  readonly network: string
  readonly payer: {
    /** Masked; `null` of a card. */
    readonly phone: string | null
    /** Of a card alone: its last four digits. */
    readonly card?: string
  }
  readonly reference: string
  readonly failure: {
    readonly code: 'payer_refused' | 'payer_timed_out' | 'payer_unknown' | 'insufficient_funds' | 'limit_exceeded' | 'not_allowed' | 'network_refused' | 'record_refused' | 'approval_refused' | 'approval_expired' | 'card_declined' | 'card_expired' | 'card_unusable' | 'authentication_failed'
  } | null
  /** There only while the payment waits for its payer. */
  readonly next_action?: {
    readonly type: 'redirect'
    /** Send the payer here: his bank asks him whether it is he who pays. */
    readonly url: string
  }
  readonly created_at: string
  readonly updated_at: string
}

export type PaymentPage = {
  readonly object: 'list'
  readonly data: readonly Payment[]
  readonly next_cursor: string | null
}

export type Problem = {
  readonly type: string
  readonly title: string
  readonly status: number
  readonly code: string
  /** Where the code is explained: a line of the reference, relative to the address that was asked. */
  readonly help?: string
  readonly request_id: `req_${string}`
  readonly errors?: readonly {
    readonly pointer: string
    readonly detail: string
    readonly code?: string
  }[]
}

export type RolledApiKey = {
  readonly id: `key_${string}`
  readonly object: 'api_key'
  readonly world: 'test' | 'live'
  readonly prefix: string
  readonly state: 'valid' | 'ended' | 'revoked' | 'invalid'
  readonly name: string
  readonly kind: 'secret' | 'publishable'
  readonly scopes: readonly string[]
  readonly allowed_addresses: readonly string[]
  readonly caps: {
    readonly amount_max: Readonly<Record<string, string>>
    readonly day_total_max: Readonly<Record<string, string>>
    readonly currencies: readonly string[]
    readonly networks: readonly string[]
  }
  readonly must_sign: boolean
  readonly created_at: string
  /** Seconds; `null`: by the operator’s policy alone. */
  readonly rotate_after: number | null
  /** A key that was rolled works until then. */
  readonly expires_at: string | null
  readonly revoked_at: string | null
  /** Some seconds behind. */
  readonly last_used_at: string | null
  /** From where: /24 of an IPv4 address, /48 of an IPv6 one. */
  readonly last_network: string | null
  readonly last_agent: string | null
  readonly age_days: number
  /** Roll it before then. */
  readonly rotate_by: string
  /** It works and is older than it should be. */
  readonly is_rotation_due: boolean
  /** It works and nobody used it for long: revoke it where nobody needs it. */
  readonly is_unused: boolean
  /** The key, shown this once. `null` where a repeated request gets this answer again. */
  readonly secret: string | null
  /** `shown_before`: nobody has it any more but who got the first answer. If that was lost, roll this key. */
  readonly secret_status: 'shown' | 'shown_before'
  readonly old_key: `key_${string}`
  readonly old_key_works_until: string
}

export type VaultToken = {
  readonly id: `tok_${string}`
  readonly object: 'vault_token'
  readonly world: 'test' | 'live'
  readonly type: 'card_number' | 'phone' | 'identity_document' | 'bank_account' | 'text'
  /** `pending` until a value that was sealed by its client was looked at: moments, as a rule. `invalid` where it is none of its type; delete it, and ask for the value again. */
  readonly status: 'pending' | 'active' | 'invalid'
  /** The card's network, where it is a card of a range that we know. */
  readonly network: string | null
  /** What may be shown: a card's last four digits, a phone's country and last three. */
  readonly masked: string | null
  readonly fingerprint: {
    readonly status: 'pending' | 'computed' | 'unavailable'
    /** The same for equal values of one type of yours, and for nobody else's. What stands before the underscore is the key's number: while it is replaced, and with what you kept from before, only fingerprints that begin alike can be compared. */
    readonly value: string | null
  }
  readonly metadata: Readonly<Record<string, string>>
  readonly created_at: string
  readonly expires_at: string | null
}

export type VaultTokenPage = {
  readonly object: 'list'
  readonly data: readonly VaultToken[]
  readonly next_cursor: string | null
}
