// Generated from the OpenAPI document by `npm run generate:sdk`; a test holds it to the document.
import type {
  Payment,
} from './answers.ts'
import type {
  Settlement,
} from './report-answers.ts'
import type {
  Payout,
  Refund,
} from './payout-answers.ts'

export type CreatedWebhookEndpoint = {
  readonly id: `whe_${string}`
  readonly object: 'webhook_endpoint'
  readonly world: 'test' | 'live'
  readonly url: string
  readonly encryption: 'none' | 'required'
  /** What it is told of; `null`: how each movement of money ended (`succeeded`, `failed`, `cancelled`, `reversed`). */
  readonly event_types: readonly ('payment.accepted' | 'payment.processing' | 'payment.in_doubt' | 'payment.succeeded' | 'payment.failed' | 'payment.cancelled' | 'payment.reversed' | 'payout.awaiting_approval' | 'payout.accepted' | 'payout.processing' | 'payout.in_doubt' | 'payout.succeeded' | 'payout.failed' | 'payout.cancelled' | 'payout.reversed' | 'refund.awaiting_approval' | 'refund.accepted' | 'refund.processing' | 'refund.in_doubt' | 'refund.succeeded' | 'refund.failed' | 'refund.cancelled' | 'refund.reversed' | 'payment.requires_action' | 'webhook_endpoint.failing' | 'webhook_endpoint.disabled' | 'webhook_endpoint.enabled' | 'settlement.created' | 'settlement.paid' | 'settlement.failed')[] | null
  /** Since when events wait, because nothing can be sent here; `null` where they go out. */
  readonly held_since: string | null
  /** `encryption_key_missing`: you have no valid key of use `encrypt`; add one. `terms_unproven`: state the endpoint anew with PUT. */
  readonly held_because: 'encryption_key_missing' | 'terms_unproven' | null
  /** Since when it took nothing that was sent; `null` where it takes what comes. */
  readonly failing_since: string | null
  /** Since when nothing is sent to it any more; events are kept, to be listed and replayed. Enable it when it answers again. */
  readonly disabled_at: string | null
  /** `failing`: it took nothing for days. `gone`: it answered 410. */
  readonly disabled_because: 'failing' | 'gone' | null
  readonly created_at: string
  readonly secret_created_at: string
  /** Until then the secret before signs as well; `null` where one secret signs alone. */
  readonly previous_secret_ends_at: string | null
  /** Standard Webhooks secret, shown this once; `null` where a repeated request gets this answer again. */
  readonly secret: string | null
}

export type Event = {
  /** The same by webhook and by list, however often it is told. */
  readonly id: `evt_${string}`
  readonly object: 'event'
  readonly type: 'payment.accepted' | 'payment.processing' | 'payment.in_doubt' | 'payment.succeeded' | 'payment.failed' | 'payment.cancelled' | 'payment.reversed' | 'payout.awaiting_approval' | 'payout.accepted' | 'payout.processing' | 'payout.in_doubt' | 'payout.succeeded' | 'payout.failed' | 'payout.cancelled' | 'payout.reversed' | 'refund.awaiting_approval' | 'refund.accepted' | 'refund.processing' | 'refund.in_doubt' | 'refund.succeeded' | 'refund.failed' | 'refund.cancelled' | 'refund.reversed' | 'payment.requires_action' | 'webhook_endpoint.failing' | 'webhook_endpoint.disabled' | 'webhook_endpoint.enabled' | 'settlement.created' | 'settlement.paid' | 'settlement.failed'
  /** When the change was. */
  readonly timestamp: string
  /** Counts the events of the object in `data` from 1, without a gap. What has a higher number is newer. */
  readonly sequence: number
  /** The object as it was then. */
  readonly data: Payment | Payout | Refund | {
    readonly id: `whe_${string}`
    readonly object: 'webhook_endpoint'
    readonly world: 'test' | 'live'
    readonly url: string
    readonly failing_since: string | null
    readonly disabled_at: string | null
    readonly disabled_because: 'failing' | 'gone' | null
  } | Settlement
}

export type EventPage = {
  readonly object: 'list'
  readonly data: readonly Event[]
  /** Where to go on, now or later: what comes after it was never listed before. `null` only where there was no event yet. */
  readonly next_cursor: string | null
}

export type WebhookDelivery = {
  /** The `webhook-id` of each attempt. */
  readonly id: `whd_${string}`
  readonly object: 'webhook_delivery'
  readonly world: 'test' | 'live'
  readonly endpoint: `whe_${string}`
  /** What happened: the `type` of the webhook. */
  readonly event: string
  /** The `id` of what is told, as `GET /v1/events` has it. */
  readonly event_id: `evt_${string}`
  readonly event_at: string
  /** The event’s own; 0 of those from before there were events. */
  readonly sequence: number
  /** `null` where the event is of no payment. */
  readonly payment: `pay_${string}` | null
  readonly state: 'pending' | 'delivered' | 'given_up'
  /** Of the last attempt, or why there is none: `encryption_key_missing` and `terms_unproven` as in `held_because` of the endpoint, `endpoint_disabled`: replay it when the endpoint is enabled. `withheld`: we could not prove what it would say. `null` before the first. */
  readonly reason: 'accepted' | 'refused' | 'timed_out' | 'connection_lost' | 'certificate_refused' | 'not_reached' | 'secret_missing' | 'gone' | 'encryption_key_missing' | 'terms_unproven' | 'endpoint_deleted' | 'endpoint_disabled' | 'withheld' | null
  /** The earliest first. */
  readonly attempts: readonly ({
    readonly at: string
    /** The HTTP status that your endpoint answered; `null` where it did not. */
    readonly status: number | null
    /** `accepted`: 2xx. `refused`: another status. `timed_out`, `connection_lost`: it took the request and did not answer. `certificate_refused`: its certificate is not valid for its name. `not_reached`: nothing took the request. `secret_missing`: replace the endpoint’s secret. `gone`: it answered 410, and is disabled. */
    readonly reason: 'accepted' | 'refused' | 'timed_out' | 'connection_lost' | 'certificate_refused' | 'not_reached' | 'secret_missing' | 'gone'
    /** Until the whole answer was there; `null` where there was none. */
    readonly duration_ms: number | null
  })[]
  /** When it is tried again, at the earliest; `null` where it is tried now, or not again. */
  readonly next_attempt_at: string | null
  /** How often you had it told again. */
  readonly replays: number
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
  /** What it is told of; `null`: how each movement of money ended (`succeeded`, `failed`, `cancelled`, `reversed`). */
  readonly event_types: readonly ('payment.accepted' | 'payment.processing' | 'payment.in_doubt' | 'payment.succeeded' | 'payment.failed' | 'payment.cancelled' | 'payment.reversed' | 'payout.awaiting_approval' | 'payout.accepted' | 'payout.processing' | 'payout.in_doubt' | 'payout.succeeded' | 'payout.failed' | 'payout.cancelled' | 'payout.reversed' | 'refund.awaiting_approval' | 'refund.accepted' | 'refund.processing' | 'refund.in_doubt' | 'refund.succeeded' | 'refund.failed' | 'refund.cancelled' | 'refund.reversed' | 'payment.requires_action' | 'webhook_endpoint.failing' | 'webhook_endpoint.disabled' | 'webhook_endpoint.enabled' | 'settlement.created' | 'settlement.paid' | 'settlement.failed')[] | null
  /** Since when events wait, because nothing can be sent here; `null` where they go out. */
  readonly held_since: string | null
  /** `encryption_key_missing`: you have no valid key of use `encrypt`; add one. `terms_unproven`: state the endpoint anew with PUT. */
  readonly held_because: 'encryption_key_missing' | 'terms_unproven' | null
  /** Since when it took nothing that was sent; `null` where it takes what comes. */
  readonly failing_since: string | null
  /** Since when nothing is sent to it any more; events are kept, to be listed and replayed. Enable it when it answers again. */
  readonly disabled_at: string | null
  /** `failing`: it took nothing for days. `gone`: it answered 410. */
  readonly disabled_because: 'failing' | 'gone' | null
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

export type WebhookReplay = {
  readonly object: 'webhook_replay'
  readonly endpoint: `whe_${string}`
  /** As you asked, or 30 days ago. */
  readonly since: string
  /** How many are told again. */
  readonly deliveries: number
  /** The `since` of the next call; `null` where this was all. */
  readonly continue_from: string | null
}
