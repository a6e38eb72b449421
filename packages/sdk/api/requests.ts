// Generated from the OpenAPI document by `npm run generate:sdk`; a test holds it to the document.

export type AddPayouts = {
  /** Your number of this part, each once. Parts may come in any order. */
  readonly part: number
  /** The batch's own reference: each row counts once under it, whatever id the batch is answered with. */
  readonly batch_reference: string
  /** The batch's. */
  readonly currency: string
  /** Of the rows that name none. */
  readonly network?: string | undefined
  readonly payouts: readonly BatchedPayout[]
}

export type ApprovePayout = {
  /** As the payout shows it. */
  readonly amount: string
  /** ISO 4217 code. */
  readonly currency: string
  /** As the payout shows it. */
  readonly reference: string
  readonly payee?: {
    /** Masked, as the payout shows it. */
    readonly phone: string
  } | undefined
}

export type ApprovePayoutBatch = {
  /** As the batch shows it. */
  readonly reference: string
  /** As the batch shows it. */
  readonly currency: string
  /** As the batch shows it. */
  readonly count: number
  /** As the batch shows it. */
  readonly total: string
  /** Its `approval.parts_digest`: these rows and no others. */
  readonly parts_digest: string
}

export type BatchedPayout = {
  /** Your own reference. */
  readonly reference: string
  /** Decimal string in major units, e.g. "12.50". */
  readonly amount: string
  readonly payee: {
    /** E.164. */
    readonly phone: string
  }
  /** The payment network. */
  readonly network?: string | undefined
  /** Shown to the payee. */
  readonly description?: string | undefined
}

export type ChangeWebhookEndpoint = {
  /** Where events go. HTTPS, unless the operator allows the address by name. */
  readonly url: string
  /** `required`: each event is encrypted to your newest key of use `encrypt` (JWE, RSA-OAEP-256 with A256GCM), and waits where you have none. `none`: JSON. */
  readonly encryption: 'none' | 'required'
  /** What it is told of; `null`: how each movement of money ended (`succeeded`, `failed`, `cancelled`, `reversed`). */
  readonly event_types?: readonly ('payment.accepted' | 'payment.processing' | 'payment.in_doubt' | 'payment.succeeded' | 'payment.failed' | 'payment.cancelled' | 'payment.reversed' | 'payout.awaiting_approval' | 'payout.accepted' | 'payout.processing' | 'payout.in_doubt' | 'payout.succeeded' | 'payout.failed' | 'payout.cancelled' | 'payout.reversed' | 'refund.awaiting_approval' | 'refund.accepted' | 'refund.processing' | 'refund.in_doubt' | 'refund.succeeded' | 'refund.failed' | 'refund.cancelled' | 'refund.reversed' | 'payment.requires_action' | 'webhook_endpoint.failing' | 'webhook_endpoint.disabled' | 'webhook_endpoint.enabled' | 'settlement.created' | 'settlement.paid' | 'settlement.failed')[] | null | undefined
}

export type CreateApiKey = {
  /** What you call it: one line. */
  readonly name?: string | undefined
  /** `secret` stays on your servers; `publishable` is for pages and can only seal. */
  readonly kind?: 'secret' | 'publishable' | undefined
  /** What it may do: as little as it needs. `keys:write` is the operator’s to give. */
  readonly scopes: readonly ('payments:read' | 'payments:write' | 'payouts:read' | 'payouts:write' | 'payouts:approve' | 'refunds:read' | 'refunds:write' | 'webhooks:read' | 'webhooks:write' | 'vault:read' | 'vault:write' | 'vault:seal' | 'forwards:read' | 'forwards:write' | 'keys:read' | 'keys:write' | 'usage:read' | 'balances:read' | 'checkout:read' | 'checkout:write' | 'events:read' | 'statements:read')[]
  /** Addresses and ranges (CIDR) that it may be used from; empty: anywhere. */
  readonly allowed_addresses?: readonly string[] | undefined
  /** How much it may move, and of what. */
  readonly caps?: {
    /** For one payment, by currency, in major units. Where amounts are capped, a currency without one is refused. */
    readonly amount_max?: Readonly<Record<string, string>> | undefined
    /** The same, for all payments of a UTC day. */
    readonly day_total_max?: Readonly<Record<string, string>> | undefined
    /** Empty: every one. */
    readonly currencies?: readonly string[] | undefined
    /** Empty: every one. */
    readonly networks?: readonly string[] | undefined
  } | undefined
  /** From then on nobody knows it. Left out: as late as the operator lets it be, which the answer says. */
  readonly expires_at?: string | undefined
  /** Seconds after which you want to be told to roll it, where that is sooner than the operator’s policy; also after how long without use it counts as unused. */
  readonly rotate_after?: number | undefined
  /** Each of its requests must be signed as well. */
  readonly must_sign?: boolean | undefined
}

export type CreateCheckoutSession = {
  /** Decimal string in major units, e.g. "12.50". */
  readonly amount: string
  /** ISO 4217 code. */
  readonly currency: string
  /** Your own reference. */
  readonly reference: string
  /** Shown to the payer. */
  readonly description?: string | undefined
  /** Which networks the payer may pick; all of the currency that your key may use where it is left out. */
  readonly networks?: readonly string[] | undefined
  /** A link on the page once it was paid. Nobody is redirected. */
  readonly success_url?: string | undefined
  /** A link on the page back to your shop. */
  readonly cancel_url?: string | undefined
  /** Seconds for which the link asks payers; a payment that began before goes on. */
  readonly expires_in?: number | undefined
}

export type CreateForward = {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** Begins with an address that the operator allowed for you, to the letter. Tokens may stand in path segments and query values. */
  readonly url: string
  /** Up to 16, names in lower case. Their values may hold tokens. What says whereto and how long is refused: host, connection, content-*, … */
  readonly headers?: Readonly<Record<string, unknown>> | undefined
  /** Sent as application/json. Strings in it may hold tokens; names of members may not. */
  readonly json?: Readonly<Record<string, unknown>> | readonly unknown[] | undefined
  /** Sent as application/x-www-form-urlencoded. Values may hold tokens. */
  readonly form?: Readonly<Record<string, unknown>> | undefined
}

export type CreatePayment = {
  /** Decimal string in major units, e.g. "12.50". */
  readonly amount: string
  /** ISO 4217 code. */
  readonly currency: string
  /** The payment network; without it, the one that has numbers like the payer's. */
  readonly network?: string | undefined
  /** A phone, or a card with its expiry. */
  readonly payer: {
    /** E.164. */
    readonly phone?: string | undefined
    /** In place of a phone: the vault token of a card number, by a network of cards (docs/cards.md). */
    readonly card?: `tok_${string}` | undefined
    /** With a card: the month that stands on it, as YYYY-MM. It is sealed, and never shown. */
    readonly card_expiry?: string | undefined
  }
  /** With a card: where its holder goes on after his bank asked him. Of an origin of yours that the operator registered; nothing that comes back there is proof of anything. */
  readonly return_url?: string | undefined
  /** Your own reference. */
  readonly reference: string
  /** Shown to the payer. */
  readonly description?: string | undefined
}

export type CreatePayout = {
  /** Decimal string in major units, e.g. "12.50". */
  readonly amount: string
  /** ISO 4217 code. */
  readonly currency: string
  /** The payment network. */
  readonly network: string
  readonly payee: {
    /** E.164. */
    readonly phone: string
  }
  /** Your own reference. */
  readonly reference: string
  /** Shown to the payee. */
  readonly description?: string | undefined
}

export type CreatePayoutBatch = {
  /** Your own name of the batch, which names this one for ever. */
  readonly reference: string
  /** ISO 4217 code. */
  readonly currency: string
  /** How many payouts it will have. */
  readonly count: number
  /** What their amounts come to, without fees. */
  readonly total: string
}

export type CreateRefund = {
  /** All that came or a part of it: all refunds of a payment together are no more than its amount. */
  readonly amount: string
  /** The payment's, where you say it. */
  readonly currency?: string | undefined
  /** Your own reference. */
  readonly reference: string
  /** Shown to the payer. */
  readonly description?: string | undefined
}

export type CreateVaultToken = {
  /** What the value is. */
  readonly type: 'card_number' | 'phone' | 'identity_document' | 'bank_account' | 'text'
  /** What nobody should read. No call of this API returns it. Send this or `sealed`. */
  readonly value?: string | undefined
  /** The value as its client sealed it to a key of `GET /v1/vault/keys` (docs/vault-sealing.md), in base64url. Its mask and network come later, from who may look. */
  readonly sealed?: string | undefined
  /** After this moment the token is as if it had never been. */
  readonly expires_at?: string | undefined
  /** Up to 16 flat strings of yours, kept in clear: never put the value or a card number here. */
  readonly metadata?: Readonly<Record<string, unknown>> | undefined
}

export type CreateVaultTokensRequest = {
  /** Up to 500, each as for a single token. */
  readonly tokens: readonly Readonly<Record<string, unknown>>[]
}

export type CreateWebhookEndpoint = {
  /** Where events go. HTTPS, unless the operator allows the address by name. */
  readonly url: string
  /** `required`: each event is encrypted to your newest key of use `encrypt` (JWE, RSA-OAEP-256 with A256GCM), and waits where you have none. `none`: JSON. */
  readonly encryption?: 'none' | 'required' | undefined
  /** What it is told of; `null`: how each movement of money ended (`succeeded`, `failed`, `cancelled`, `reversed`). */
  readonly event_types?: readonly ('payment.accepted' | 'payment.processing' | 'payment.in_doubt' | 'payment.succeeded' | 'payment.failed' | 'payment.cancelled' | 'payment.reversed' | 'payout.awaiting_approval' | 'payout.accepted' | 'payout.processing' | 'payout.in_doubt' | 'payout.succeeded' | 'payout.failed' | 'payout.cancelled' | 'payout.reversed' | 'refund.awaiting_approval' | 'refund.accepted' | 'refund.processing' | 'refund.in_doubt' | 'refund.succeeded' | 'refund.failed' | 'refund.cancelled' | 'refund.reversed' | 'payment.requires_action' | 'webhook_endpoint.failing' | 'webhook_endpoint.disabled' | 'webhook_endpoint.enabled' | 'settlement.created' | 'settlement.paid' | 'settlement.failed')[] | null | undefined
}

export type ReplaceWebhookSecret = {
  /** Seconds for which the secret before signs as well; 0 ends it, and any before it, at once. */
  readonly expires_in?: number | undefined
}

export type ReplayEndpoint = {
  /** Of events that happened then or later; those of the last 30 days at most. */
  readonly since: string
  /** `given_up`: what never arrived. `all`: what was delivered as well. */
  readonly state?: 'given_up' | 'all' | undefined
}

export type RollApiKey = {
  /** Seconds for which the old key works as well; 0 ends it at once. */
  readonly expires_in?: number | undefined
}
