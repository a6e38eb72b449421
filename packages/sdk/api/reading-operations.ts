// Generated from the OpenAPI document by `npm run generate:sdk`; a test holds it to the document.
import type {
  ApiKey,
  ApiKeyPage,
  Forward,
  Limits,
  ListAlertsAnswer,
  ListBalancesAnswer,
  ListRequestsAnswer,
  ListUsageAnswer,
  ListVaultKeysAnswer,
  Payment,
  PaymentPage,
  VaultToken,
  VaultTokenPage,
} from './answers.ts'
import type {
  Event,
  EventPage,
  WebhookDeliveryPage,
  WebhookEndpointPage,
} from './webhook-answers.ts'
import type {
  CheckoutSession,
} from './checkout-answers.ts'
import type {
  GetStatementAnswer,
  Settlement,
  SettlementPage,
} from './report-answers.ts'
import type {
  DecidedPayout,
  ListNetworksAnswer,
  PayoutBatch,
  PayoutPage,
  Refund,
  RefundPage,
} from './payout-answers.ts'

/** What each operation that changes nothing takes and gives. */
export type ReadingOperations = {
  /** Export your requests. */
  readonly exportRequests: {
    readonly params: undefined; readonly body: undefined; readonly answer: undefined
    readonly query: {
      /** Only of this key. */
      readonly key?: `key_${string}` | undefined
      /** Only answered so. */
      readonly status?: string | undefined
      /** Only of this operation, as this document names it. */
      readonly operation?: string | undefined
      /** The earliest, UTC. */
      readonly from?: string | undefined
      /** The end, itself not in it. */
      readonly to?: string | undefined
    }
  }
  /** Export a statement. */
  readonly exportStatement: {
    readonly params: undefined; readonly body: undefined; readonly answer: undefined
    readonly query: {
      /** ISO 4217 code. */
      readonly currency: string
      /** The first day. */
      readonly from: string
      /** The last day, itself in it; it must be closed. At most 92 days. */
      readonly to: string
      /** `csv` when left out. */
      readonly format?: 'csv' | 'camt.053' | undefined
      /** The `next_cursor` of the page before. */
      readonly cursor?: string | undefined
    }
  }
  /** Read an API key. */
  readonly getApiKey: {
    readonly params: { readonly id: string }; readonly query: undefined; readonly body: undefined; readonly answer: ApiKey
  }
  /** Read a checkout session. */
  readonly getCheckoutSession: {
    readonly params: { readonly id: string }; readonly query: undefined; readonly body: undefined; readonly answer: CheckoutSession
  }
  /** Read an event. */
  readonly getEvent: {
    readonly params: { readonly id: string }; readonly query: undefined; readonly body: undefined; readonly answer: Event
  }
  /** Read a forward. */
  readonly getForward: {
    readonly params: { readonly id: string }; readonly query: undefined; readonly body: undefined; readonly answer: Forward
  }
  /** Read your limits. */
  readonly getLimits: {
    readonly params: undefined; readonly query: undefined; readonly body: undefined; readonly answer: Limits
  }
  /** Read a payment. */
  readonly getPayment: {
    readonly params: { readonly id: string }; readonly query: undefined; readonly body: undefined; readonly answer: Payment
  }
  /** Read a payout. */
  readonly getPayout: {
    readonly params: { readonly id: string }; readonly query: undefined; readonly body: undefined; readonly answer: DecidedPayout
  }
  /** Read a batch of payouts. */
  readonly getPayoutBatch: {
    readonly params: { readonly id: string }; readonly query: undefined; readonly body: undefined; readonly answer: PayoutBatch
  }
  /** Read a refund. */
  readonly getRefund: {
    readonly params: { readonly id: string }; readonly query: undefined; readonly body: undefined; readonly answer: Refund
  }
  /** Read a settlement. */
  readonly getSettlement: {
    readonly params: { readonly id: string }; readonly query: undefined; readonly body: undefined; readonly answer: Settlement
  }
  /** Read a statement. */
  readonly getStatement: {
    readonly params: undefined; readonly body: undefined; readonly answer: GetStatementAnswer
    readonly query: {
      /** ISO 4217 code. */
      readonly currency: string
      /** The first day. */
      readonly from: string
      /** The last day, itself in it; it must be closed. At most 92 days. */
      readonly to: string
      /** How many on the page, 1 to 100; 20 when left out. */
      readonly limit?: number | undefined
      /** The `next_cursor` of the page before. */
      readonly cursor?: string | undefined
    }
  }
  /** Read a token. */
  readonly getVaultToken: {
    readonly params: { readonly id: string }; readonly query: undefined; readonly body: undefined; readonly answer: VaultToken
  }
  /** List alerts about your keys. */
  readonly listAlerts: {
    readonly params: undefined; readonly body: undefined; readonly answer: ListAlertsAnswer
    readonly query: {
      /** How many on the page, 1 to 100; 20 when left out. */
      readonly limit?: number | undefined
      /** The `next_cursor` of the page before. */
      readonly cursor?: string | undefined
      /** Only of this key. */
      readonly key?: `key_${string}` | undefined
    }
  }
  /** List your API keys. */
  readonly listApiKeys: {
    readonly params: undefined; readonly body: undefined; readonly answer: ApiKeyPage
    readonly query: {
      /** How many on the page, 1 to 100; 20 when left out. */
      readonly limit?: number | undefined
      /** The `next_cursor` of the page before. */
      readonly cursor?: string | undefined
    }
  }
  /** Read your balances. */
  readonly listBalances: {
    readonly params: undefined; readonly query: undefined; readonly body: undefined; readonly answer: ListBalancesAnswer
  }
  /** List events. */
  readonly listEvents: {
    readonly params: undefined; readonly body: undefined; readonly answer: EventPage
    readonly query: {
      /** How many on the page, 1 to 100; 20 when left out. */
      readonly limit?: number | undefined
      /** The `next_cursor` of the page before. */
      readonly cursor?: string | undefined
      /** Only of this type. */
      readonly type?: 'payment.accepted' | 'payment.processing' | 'payment.in_doubt' | 'payment.succeeded' | 'payment.failed' | 'payment.cancelled' | 'payment.reversed' | 'payout.awaiting_approval' | 'payout.accepted' | 'payout.processing' | 'payout.in_doubt' | 'payout.succeeded' | 'payout.failed' | 'payout.cancelled' | 'payout.reversed' | 'refund.awaiting_approval' | 'refund.accepted' | 'refund.processing' | 'refund.in_doubt' | 'refund.succeeded' | 'refund.failed' | 'refund.cancelled' | 'refund.reversed' | 'payment.requires_action' | 'webhook_endpoint.failing' | 'webhook_endpoint.disabled' | 'webhook_endpoint.enabled' | 'settlement.created' | 'settlement.paid' | 'settlement.failed' | undefined
      /** Only of this payment, payout, refund, settlement or webhook endpoint. */
      readonly object?: string | undefined
    }
  }
  /** List payment networks. */
  readonly listNetworks: {
    readonly params: undefined; readonly query: undefined; readonly body: undefined; readonly answer: ListNetworksAnswer
  }
  /** List payments. */
  readonly listPayments: {
    readonly params: undefined; readonly body: undefined; readonly answer: PaymentPage
    readonly query: {
      /** How many on the page, 1 to 100; 20 when left out. */
      readonly limit?: number | undefined
      /** The `next_cursor` of the page before. */
      readonly cursor?: string | undefined
      /** Only payments in this state. */
      readonly status?: 'awaiting_approval' | 'accepted' | 'processing' | 'in_doubt' | 'succeeded' | 'failed' | 'cancelled' | 'reversed' | undefined
      /** Only with this reference of yours, exactly. */
      readonly reference?: string | undefined
      /** Only by this network. */
      readonly network?: string | undefined
      /** Only in this currency, ISO 4217. */
      readonly currency?: string | undefined
      /** Only made then or later; RFC 3339, at most milliseconds. */
      readonly created_after?: string | undefined
      /** Only made before, itself not in it. */
      readonly created_before?: string | undefined
    }
  }
  /** List payouts. */
  readonly listPayouts: {
    readonly params: undefined; readonly body: undefined; readonly answer: PayoutPage
    readonly query: {
      /** How many on the page, 1 to 100; 20 when left out. */
      readonly limit?: number | undefined
      /** The `next_cursor` of the page before. */
      readonly cursor?: string | undefined
      /** Only payments in this state. */
      readonly status?: 'awaiting_approval' | 'accepted' | 'processing' | 'in_doubt' | 'succeeded' | 'failed' | 'cancelled' | 'reversed' | undefined
      /** Only with this reference of yours, exactly. */
      readonly reference?: string | undefined
      /** Only by this network. */
      readonly network?: string | undefined
      /** Only in this currency, ISO 4217. */
      readonly currency?: string | undefined
      /** Only made then or later; RFC 3339, at most milliseconds. */
      readonly created_after?: string | undefined
      /** Only made before, itself not in it. */
      readonly created_before?: string | undefined
      /** Only payouts of this batch. */
      readonly batch?: `pbt_${string}` | undefined
    }
  }
  /** List refunds. */
  readonly listRefunds: {
    readonly params: undefined; readonly body: undefined; readonly answer: RefundPage
    readonly query: {
      /** How many on the page, 1 to 100; 20 when left out. */
      readonly limit?: number | undefined
      /** The `next_cursor` of the page before. */
      readonly cursor?: string | undefined
      /** Only payments in this state. */
      readonly status?: 'awaiting_approval' | 'accepted' | 'processing' | 'in_doubt' | 'succeeded' | 'failed' | 'cancelled' | 'reversed' | undefined
      /** Only with this reference of yours, exactly. */
      readonly reference?: string | undefined
      /** Only by this network. */
      readonly network?: string | undefined
      /** Only in this currency, ISO 4217. */
      readonly currency?: string | undefined
      /** Only made then or later; RFC 3339, at most milliseconds. */
      readonly created_after?: string | undefined
      /** Only made before, itself not in it. */
      readonly created_before?: string | undefined
      /** Only refunds of this payment. */
      readonly payment?: `pay_${string}` | undefined
    }
  }
  /** List your requests. */
  readonly listRequests: {
    readonly params: undefined; readonly body: undefined; readonly answer: ListRequestsAnswer
    readonly query: {
      /** How many on the page, 1 to 100; 20 when left out. */
      readonly limit?: number | undefined
      /** The `next_cursor` of the page before. */
      readonly cursor?: string | undefined
      /** Only of this key. */
      readonly key?: `key_${string}` | undefined
      /** Only answered so. */
      readonly status?: string | undefined
      /** Only of this operation, as this document names it. */
      readonly operation?: string | undefined
      /** The earliest, UTC. */
      readonly from?: string | undefined
      /** The end, itself not in it. */
      readonly to?: string | undefined
    }
  }
  /** List settlements. */
  readonly listSettlements: {
    readonly params: undefined; readonly body: undefined; readonly answer: SettlementPage
    readonly query: {
      /** How many on the page, 1 to 100; 20 when left out. */
      readonly limit?: number | undefined
      /** The `next_cursor` of the page before. */
      readonly cursor?: string | undefined
      /** Only settlements of this status. */
      readonly status?: 'created' | 'paid' | 'failed' | undefined
      /** Only with this reference of yours, exactly. */
      readonly reference?: string | undefined
      /** Only by this network. */
      readonly network?: string | undefined
      /** Only in this currency, ISO 4217. */
      readonly currency?: string | undefined
      /** Only made then or later; RFC 3339, at most milliseconds. */
      readonly created_after?: string | undefined
      /** Only made before, itself not in it. */
      readonly created_before?: string | undefined
    }
  }
  /** How your keys are used. */
  readonly listUsage: {
    readonly params: undefined; readonly body: undefined; readonly answer: ListUsageAnswer
    readonly query: {
      /** Only of this key. */
      readonly key?: `key_${string}` | undefined
      /** The earliest, UTC; an hour before `to` when left out, by hour a day. */
      readonly from?: string | undefined
      /** The end, itself not in it; now when left out. At most a day after `from`, by hour 31 days. */
      readonly to?: string | undefined
      /** `hour` when left out. */
      readonly by?: 'minute' | 'hour' | undefined
    }
  }
  /** Keys to seal values to. */
  readonly listVaultKeys: {
    readonly params: undefined; readonly query: undefined; readonly body: undefined; readonly answer: ListVaultKeysAnswer
  }
  /** List tokens. */
  readonly listVaultTokens: {
    readonly params: undefined; readonly body: undefined; readonly answer: VaultTokenPage
    readonly query: {
      /** How many on the page, 1 to 100; 20 when left out. */
      readonly limit?: number | undefined
      /** The `next_cursor` of the page before. */
      readonly cursor?: string | undefined
      /** Only tokens that hold this same value. */
      readonly fingerprint?: string | undefined
    }
  }
  /** List what was told to a webhook endpoint. */
  readonly listWebhookDeliveries: {
    readonly params: { readonly id: string }; readonly body: undefined; readonly answer: WebhookDeliveryPage
    readonly query: {
      /** How many on the page, 1 to 100; 20 when left out. */
      readonly limit?: number | undefined
      /** The `next_cursor` of the page before. */
      readonly cursor?: string | undefined
      /** Only of this state. */
      readonly state?: 'pending' | 'delivered' | 'given_up' | undefined
    }
  }
  /** List webhook endpoints. */
  readonly listWebhookEndpoints: {
    readonly params: undefined; readonly query: undefined; readonly body: undefined; readonly answer: WebhookEndpointPage
  }
}
