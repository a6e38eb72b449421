// Generated from the OpenAPI document by `npm run generate:sdk`; a test holds it to the document.

export type CreatedWebhookEndpoint = {
  readonly id: `whe_${string}`
  readonly object: 'webhook_endpoint'
  readonly world: 'test' | 'live'
  readonly url: string
  readonly encryption: 'none' | 'required'
  /** Since when events wait, because nothing can be sent here; `null` where they go out. */
  readonly held_since: string | null
  /** `encryption_key_missing`: you have no valid key of use `encrypt`; add one. `terms_unproven`: state the endpoint anew with PUT. */
  readonly held_because: 'encryption_key_missing' | 'terms_unproven' | null
  readonly created_at: string
  readonly secret_created_at: string
  /** Until then the secret before signs as well; `null` where one secret signs alone. */
  readonly previous_secret_ends_at: string | null
  /** Standard Webhooks secret, shown this once; `null` where a repeated request gets this answer again. */
  readonly secret: string | null
}

export type WebhookDelivery = {
  /** The `webhook-id` of each attempt. */
  readonly id: `whd_${string}`
  readonly object: 'webhook_delivery'
  readonly world: 'test' | 'live'
  readonly endpoint: `whe_${string}`
  /** What happened: the `type` of the webhook. */
  readonly event: string
  readonly event_at: string
  readonly payment: `pay_${string}`
  readonly state: 'pending' | 'delivered' | 'given_up'
  /** Of the last attempt, or why there is none: `encryption_key_missing` and `terms_unproven` as in `held_because` of the endpoint, `withheld`: we could not prove what it would say. `null` before the first. */
  readonly reason: 'accepted' | 'refused' | 'timed_out' | 'connection_lost' | 'certificate_refused' | 'not_reached' | 'secret_missing' | 'encryption_key_missing' | 'terms_unproven' | 'endpoint_deleted' | 'withheld' | null
  /** The earliest first. */
  readonly attempts: readonly ({
    readonly at: string
    /** The HTTP status that your endpoint answered; `null` where it did not. */
    readonly status: number | null
    /** `accepted`: 2xx. `refused`: another status. `timed_out`, `connection_lost`: it took the request and did not answer. `certificate_refused`: its certificate is not valid for its name. `not_reached`: nothing took the request. `secret_missing`: replace the endpoint’s secret. */
    readonly reason: 'accepted' | 'refused' | 'timed_out' | 'connection_lost' | 'certificate_refused' | 'not_reached' | 'secret_missing'
    /** Until the whole answer was there; `null` where there was none. */
    readonly duration_ms: number | null
  })[]
  /** When it is tried again, at the earliest; `null` where it is tried now, or not again. */
  readonly next_attempt_at: string | null
  readonly created_at: string
  /** When it was delivered or given up. */
  readonly settled_at: string | null
}

export type WebhookDeliveryPage = {
  readonly object: 'list'
  readonly data: readonly WebhookDelivery[]
  readonly next_cursor: string | null
}

export type WebhookEndpoint = {
  readonly id: `whe_${string}`
  readonly object: 'webhook_endpoint'
  readonly world: 'test' | 'live'
  readonly url: string
  readonly encryption: 'none' | 'required'
  /** Since when events wait, because nothing can be sent here; `null` where they go out. */
  readonly held_since: string | null
  /** `encryption_key_missing`: you have no valid key of use `encrypt`; add one. `terms_unproven`: state the endpoint anew with PUT. */
  readonly held_because: 'encryption_key_missing' | 'terms_unproven' | null
  readonly created_at: string
  readonly secret_created_at: string
  /** Until then the secret before signs as well; `null` where one secret signs alone. */
  readonly previous_secret_ends_at: string | null
}

export type WebhookEndpointPage = {
  readonly object: 'list'
  readonly data: readonly WebhookEndpoint[]
  readonly next_cursor: string | null
}
