// Generated from the OpenAPI document by `npm run generate:sdk`; a test holds it to the document.
import type {
  ApiKey,
  CreateVaultTokensAnswer,
  CreatedApiKey,
  Forward,
  Payment,
  RolledApiKey,
  VaultToken,
} from './answers.ts'
import type {
  CreatedWebhookEndpoint,
  WebhookDelivery,
  WebhookEndpoint,
  WebhookReplay,
} from './webhook-answers.ts'
import type {
  CheckoutSession,
  CreatedCheckoutSession,
} from './checkout-answers.ts'
import type {
  DecidedPayout,
  Payout,
  PayoutBatch,
  PayoutBatchPart,
  Refund,
} from './payout-answers.ts'
import type { ReadingOperations } from './reading-operations.ts'
import type {
  AddPayouts,
  ApprovePayout,
  ApprovePayoutBatch,
  ChangeWebhookEndpoint,
  CreateApiKey,
  CreateCheckoutSession,
  CreateForward,
  CreatePayment,
  CreatePayout,
  CreatePayoutBatch,
  CreateRefund,
  CreateVaultToken,
  CreateVaultTokensRequest,
  CreateWebhookEndpoint,
  ReplaceWebhookSecret,
  ReplayEndpoint,
  RollApiKey,
} from './requests.ts'

/** What each operation takes and gives. */
export type Operations = ReadingOperations & {
  /** Add payouts to a batch. */
  readonly addPayouts: {
    readonly params: { readonly id: string }; readonly query: undefined; readonly body: AddPayouts; readonly answer: PayoutBatchPart
  }
  /** Approve a payout. */
  readonly approvePayout: {
    readonly params: { readonly id: string }; readonly query: undefined; readonly body: ApprovePayout; readonly answer: DecidedPayout
  }
  /** Approve a batch of payouts. */
  readonly approvePayoutBatch: {
    readonly params: { readonly id: string }; readonly query: undefined; readonly body: ApprovePayoutBatch; readonly answer: PayoutBatch
  }
  /** Cancel a checkout session. */
  readonly cancelCheckoutSession: {
    readonly params: { readonly id: string }; readonly query: undefined; readonly body: undefined; readonly answer: CheckoutSession
  }
  /** Cancel a payment. */
  readonly cancelPayment: {
    readonly params: { readonly id: string }; readonly query: undefined; readonly body: undefined; readonly answer: Payment
  }
  /** Cancel a payout. */
  readonly cancelPayout: {
    readonly params: { readonly id: string }; readonly query: undefined; readonly body: undefined; readonly answer: Payout
  }
  /** Cancel a batch of payouts. */
  readonly cancelPayoutBatch: {
    readonly params: { readonly id: string }; readonly query: undefined; readonly body: undefined; readonly answer: PayoutBatch
  }
  /** Cancel a refund. */
  readonly cancelRefund: {
    readonly params: { readonly id: string }; readonly query: undefined; readonly body: undefined; readonly answer: Refund
  }
  /** State a webhook endpoint anew. */
  readonly changeWebhookEndpoint: {
    readonly params: { readonly id: string }; readonly query: undefined; readonly body: ChangeWebhookEndpoint; readonly answer: WebhookEndpoint
  }
  /** Make an API key. */
  readonly createApiKey: {
    readonly params: undefined; readonly query: undefined; readonly body: CreateApiKey; readonly answer: CreatedApiKey
  }
  /** Make a payment link. */
  readonly createCheckoutSession: {
    readonly params: undefined; readonly query: undefined; readonly body: CreateCheckoutSession; readonly answer: CreatedCheckoutSession
  }
  /** Forward a request with tokens. */
  readonly createForward: {
    readonly params: undefined; readonly query: undefined; readonly body: CreateForward; readonly answer: Forward
  }
  /** Collect a payment. */
  readonly createPayment: {
    readonly params: undefined; readonly query: undefined; readonly body: CreatePayment; readonly answer: Payment
  }
  /** Pay out. */
  readonly createPayout: {
    readonly params: undefined; readonly query: undefined; readonly body: CreatePayout; readonly answer: Payout
  }
  /** Open a batch of payouts. */
  readonly createPayoutBatch: {
    readonly params: undefined; readonly query: undefined; readonly body: CreatePayoutBatch; readonly answer: PayoutBatch
  }
  /** Refund a payment. */
  readonly createRefund: {
    readonly params: { readonly id: string }; readonly query: undefined; readonly body: CreateRefund; readonly answer: Refund
  }
  /** Keep a value in the vault. */
  readonly createVaultToken: {
    readonly params: undefined; readonly query: undefined; readonly body: CreateVaultToken; readonly answer: VaultToken
  }
  /** Keep many values in the vault. */
  readonly createVaultTokens: {
    readonly params: undefined; readonly query: undefined; readonly body: CreateVaultTokensRequest; readonly answer: CreateVaultTokensAnswer
  }
  /** Add a webhook endpoint. */
  readonly createWebhookEndpoint: {
    readonly params: undefined; readonly query: undefined; readonly body: CreateWebhookEndpoint; readonly answer: CreatedWebhookEndpoint
  }
  /** Delete a token. */
  readonly deleteVaultToken: {
    readonly params: { readonly id: string }; readonly query: undefined; readonly body: undefined; readonly answer: undefined
  }
  /** Delete a webhook endpoint. */
  readonly deleteWebhookEndpoint: {
    readonly params: { readonly id: string }; readonly query: undefined; readonly body: undefined; readonly answer: undefined
  }
  /** Enable a webhook endpoint. */
  readonly enableWebhookEndpoint: {
    readonly params: { readonly id: string }; readonly query: undefined; readonly body: undefined; readonly answer: WebhookEndpoint
  }
  /** Refuse a payout. */
  readonly refusePayout: {
    readonly params: { readonly id: string }; readonly query: undefined; readonly body: undefined; readonly answer: DecidedPayout
  }
  /** Refuse a batch of payouts. */
  readonly refusePayoutBatch: {
    readonly params: { readonly id: string }; readonly query: undefined; readonly body: undefined; readonly answer: PayoutBatch
  }
  /** Replace a webhook endpoint’s secret. */
  readonly replaceWebhookSecret: {
    readonly params: { readonly id: string }; readonly query: undefined; readonly body: ReplaceWebhookSecret; readonly answer: CreatedWebhookEndpoint
  }
  /** Replay a delivery. */
  readonly replayWebhookDelivery: {
    readonly params: { readonly id: string }; readonly query: undefined; readonly body: undefined; readonly answer: WebhookDelivery
  }
  /** Replay what an endpoint missed. */
  readonly replayWebhookEndpoint: {
    readonly params: { readonly id: string }; readonly query: undefined; readonly body: ReplayEndpoint; readonly answer: WebhookReplay
  }
  /** Revoke an API key. */
  readonly revokeApiKey: {
    readonly params: { readonly id: string }; readonly query: undefined; readonly body: undefined; readonly answer: ApiKey
  }
  /** Revoke the key that asks. */
  readonly revokeThisApiKey: {
    readonly params: undefined; readonly query: undefined; readonly body: undefined; readonly answer: ApiKey
  }
  /** Roll an API key. */
  readonly rollApiKey: {
    readonly params: { readonly id: string }; readonly query: undefined; readonly body: RollApiKey; readonly answer: RolledApiKey
  }
}

export type OperationName = keyof Operations
