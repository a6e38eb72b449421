import type { Scope } from '@ngome/access'
import {
  createdWebhookEndpointSchema, createForwardSchema, createPaymentSchema, createVaultTokenSchema, createVaultTokensSchema,
  createWebhookEndpointSchema, forwardSchema, idSchema, limitsSchema, paymentPageSchema, paymentSchema, publishedPinSetSchema,
  replaceWebhookSecretSchema,
  vaultBatchMax, vaultBatchSchema, vaultKeysSchema, vaultTokenPageSchema, vaultTokenSchema, webhookEndpointPageSchema,
} from '@ngome/contracts'
import type { FaultCode } from '@ngome/kernel'
import { webhookEndpointsMax } from '@ngome/store'
import { z } from 'zod'
import type { HeaderGroup } from '../http/header-table.ts'
import { bodyBytesMax, callbackBytesMax, forwardNodesMax, vaultBatchBytesMax, vaultBatchNodesMax } from '../http/limits.ts'
import { pageQuerySchema } from '../payments/page-query.ts'
import { vaultPageQuerySchema } from '../vault/page-query.ts'

export type Operation = {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  readonly path: string
  readonly summary: string
  readonly description: string
  readonly credentials: 'api-key' | 'path-token' | 'none'
  /** What the key must be allowed; of every operation that takes one. */
  readonly scope?: Scope
  /** What is enough where the value in the body was sealed by a client. */
  readonly sealedScope?: Scope
  /** Tokens that a call takes from the limits (`access/`), by what it costs us: 1 for a read of one row. */
  readonly cost: number
  /** What is answered when not everybody can be: `vital` to the last, `deferrable` is the first to go. */
  readonly urgency: 'vital' | 'ordinary' | 'deferrable'
  readonly headerGroups: readonly HeaderGroup[]
  /** Pages may call it too, with a publishable key and from the merchant's own origins. */
  readonly browsers?: true
  /** A path that does not match is answered by this fault, the same as a thing that does not exist. */
  readonly params?: { readonly schema: z.ZodObject; readonly otherwise: FaultCode }
  readonly query?: z.ZodObject
  readonly body?: { readonly kind: 'json'; readonly schema: z.ZodObject; readonly nodesMax?: number } | { readonly kind: 'raw' }
  readonly bodyBytesMax?: number
  readonly needsIdempotencyKey?: true
  readonly success: {
    readonly status: number
    readonly description: string
    readonly contentType?: string
    readonly schema?: z.ZodType
  }
  /** What else may come of it where it is not over yet; the same body. */
  readonly pending?: { readonly status: number; readonly description: string }
  readonly faults: readonly FaultCode[]
}

// API routes are for servers: what only a browser adds by itself (origin, referrer) has no business there, but for those
// that pages may call; and a cookie nowhere.
const reading = ['every', 'fetch', 'credential', 'signature'] as const
const writing = ['every', 'fetch', 'credential', 'signature', 'body', 'idempotency'] as const
const visiting = ['every', 'fetch', 'browser', 'visit'] as const
const authenticated: readonly FaultCode[] = [
  'access/unauthenticated', 'access/merchant_frozen', 'access/key_suspended', 'access/scope_missing', 'access/address_refused',
  'access/limit_exceeded', 'access/lease_lost', 'access/signature_required', 'access/signature_refused', 'store/unavailable',
]
/** Of what pages may call. */
const fromPages: readonly FaultCode[] = ['access/origin_refused', 'access/secret_key_in_browser']
const withBody: readonly FaultCode[] = [
  'request/json_refused', 'request/too_large', 'request/media_type', 'request/invalid',
]

const acting: readonly FaultCode[] = [
  'idempotency/key_required', 'idempotency/key_reused', 'idempotency/in_flight', 'custodian/unavailable',
]

/**
 * The public API, whole: routing, header control, authentication, schemas, the OpenAPI document and the tests that
 * enumerate operations all read this one table.
 */
export const operations = {
  createPayment: {
    method: 'POST',
    path: '/v1/payments',
    summary: 'Collect a payment',
    description: 'Asks the payer, on their phone, to pay. The answer comes at once; the outcome comes by webhook.',
    credentials: 'api-key',
    scope: 'payments:write',
    cost: 5,
    urgency: 'vital',
    headerGroups: writing,
    body: { kind: 'json', schema: createPaymentSchema },
    bodyBytesMax,
    needsIdempotencyKey: true,
    success: { status: 201, description: 'The payment was accepted and will be sent to its network.', schema: paymentSchema },
    faults: [...authenticated, ...withBody, ...acting, 'access/cap_exceeded'],
  },
  getPayment: {
    method: 'GET',
    path: '/v1/payments/:id',
    summary: 'Read a payment',
    description: 'The payment as it stands now, with the payer masked.',
    credentials: 'api-key',
    scope: 'payments:read',
    cost: 1,
    urgency: 'ordinary',
    headerGroups: reading,
    params: { schema: z.strictObject({ id: idSchema('payment') }), otherwise: 'payments/unknown' },
    success: { status: 200, description: 'The payment.', schema: paymentSchema },
    faults: [...authenticated, 'payments/unknown'],
  },
  listPayments: {
    method: 'GET',
    path: '/v1/payments',
    summary: 'List payments',
    description: 'Newest first. A cursor continues where its page ended and is good only for the same merchant and filter.',
    credentials: 'api-key',
    scope: 'payments:read',
    cost: 3,
    urgency: 'deferrable',
    headerGroups: reading,
    query: pageQuerySchema,
    success: { status: 200, description: 'A page of payments.', schema: paymentPageSchema },
    faults: [...authenticated, 'request/invalid'],
  },
  createWebhookEndpoint: {
    method: 'POST',
    path: '/v1/webhook_endpoints',
    summary: 'Add a webhook endpoint',
    description: 'Events are signed by the Standard Webhooks scheme with the secret in this answer. It is shown once: a repeated request gets `null` in its place.',
    credentials: 'api-key',
    scope: 'webhooks:write',
    cost: 10,
    urgency: 'ordinary',
    headerGroups: writing,
    body: { kind: 'json', schema: createWebhookEndpointSchema },
    bodyBytesMax,
    needsIdempotencyKey: true,
    success: { status: 201, description: 'The endpoint with its secret.', schema: createdWebhookEndpointSchema },
    faults: [...authenticated, ...withBody, ...acting, 'webhooks/address_refused', 'webhooks/too_many'],
  },
  listWebhookEndpoints: {
    method: 'GET',
    path: '/v1/webhook_endpoints',
    summary: 'List webhook endpoints',
    description: `All of them; there are at most ${webhookEndpointsMax}.`,
    credentials: 'api-key',
    scope: 'webhooks:read',
    cost: 2,
    urgency: 'deferrable',
    headerGroups: reading,
    success: { status: 200, description: 'The endpoints, without their secrets.', schema: webhookEndpointPageSchema },
    faults: authenticated,
  },
  deleteWebhookEndpoint: {
    method: 'DELETE',
    path: '/v1/webhook_endpoints/:id',
    summary: 'Delete a webhook endpoint',
    description: 'Nothing more is sent to it, retries included.',
    credentials: 'api-key',
    scope: 'webhooks:write',
    cost: 5,
    urgency: 'ordinary',
    headerGroups: reading,
    params: { schema: z.strictObject({ id: idSchema('webhookEndpoint') }), otherwise: 'webhooks/endpoint_unknown' },
    success: { status: 204, description: 'It is gone.' },
    faults: [...authenticated, 'webhooks/endpoint_unknown'],
  },
  replaceWebhookSecret: {
    method: 'POST',
    path: '/v1/webhook_endpoints/:id/secret',
    summary: 'Replace a webhook endpoint\u2019s secret',
    description: 'The new secret is in this answer, once. Until `previous_secret_ends_at` each webhook carries two signatures, the new secret\u2019s first; a receiver takes either. At most two secrets sign: within that time the next is refused, unless `expires_in` is 0.',
    credentials: 'api-key',
    scope: 'webhooks:write',
    cost: 10,
    urgency: 'ordinary',
    headerGroups: writing,
    params: { schema: z.strictObject({ id: idSchema('webhookEndpoint') }), otherwise: 'webhooks/endpoint_unknown' },
    body: { kind: 'json', schema: replaceWebhookSecretSchema },
    bodyBytesMax,
    needsIdempotencyKey: true,
    success: { status: 200, description: 'The endpoint with its new secret.', schema: createdWebhookEndpointSchema },
    faults: [...authenticated, ...withBody, ...acting, 'webhooks/endpoint_unknown', 'webhooks/secret_rolling'],
  },
  createVaultToken: {
    method: 'POST',
    path: '/v1/vault/tokens',
    summary: 'Keep a value in the vault',
    description: 'Seals a card number, phone, document, account or text, and answers a token that stands for it; or takes what your client sealed itself, which the gateway cannot read. Nothing gives the value back to you.',
    credentials: 'api-key',
    scope: 'vault:write',
    sealedScope: 'vault:seal',
    cost: 5,
    urgency: 'ordinary',
    headerGroups: [...writing, 'browser'],
    browsers: true,
    body: { kind: 'json', schema: createVaultTokenSchema },
    bodyBytesMax,
    needsIdempotencyKey: true,
    success: { status: 201, description: 'The token.', schema: vaultTokenSchema },
    faults: [...authenticated, ...withBody, ...acting, ...fromPages, 'vault/key_refused', 'vault/plaintext_refused'],
  },
  createVaultTokens: {
    method: 'POST',
    path: '/v1/vault/tokens/batch',
    summary: 'Keep many values in the vault',
    description: `Up to ${vaultBatchMax} at once, in one transaction. An item that is refused has its own result and keeps no other out.`,
    credentials: 'api-key',
    scope: 'vault:write',
    cost: 50,
    urgency: 'ordinary',
    headerGroups: writing,
    body: { kind: 'json', schema: createVaultTokensSchema, nodesMax: vaultBatchNodesMax },
    bodyBytesMax: vaultBatchBytesMax,
    needsIdempotencyKey: true,
    success: { status: 200, description: 'A result for each item.', schema: vaultBatchSchema },
    faults: [...authenticated, ...withBody, ...acting, 'vault/plaintext_refused'],
  },
  listVaultKeys: {
    method: 'GET',
    path: '/v1/vault/keys',
    summary: 'Keys to seal values to',
    description: 'What a client needs to seal a value so that no server of yours or ours on its way reads it: the keys of now, each as the custodian signed it. The client checks that signature with a key that it got by another way (docs/vault-sealing.md).',
    credentials: 'api-key',
    scope: 'vault:seal',
    cost: 1,
    urgency: 'ordinary',
    headerGroups: [...reading, 'browser'],
    browsers: true,
    success: { status: 200, description: 'The keys: one, or two where one period goes over into the next.', schema: vaultKeysSchema },
    faults: [...authenticated, ...fromPages, 'custodian/unavailable'],
  },
  getVaultToken: {
    method: 'GET',
    path: '/v1/vault/tokens/:id',
    summary: 'Read a token',
    description: 'What may be known of the value: type, mask, fingerprint. Never the value.',
    credentials: 'api-key',
    scope: 'vault:read',
    cost: 1,
    urgency: 'ordinary',
    headerGroups: reading,
    params: { schema: z.strictObject({ id: idSchema('vaultToken') }), otherwise: 'vault/token_unknown' },
    success: { status: 200, description: 'The token.', schema: vaultTokenSchema },
    faults: [...authenticated, 'vault/token_unknown'],
  },
  listVaultTokens: {
    method: 'GET',
    path: '/v1/vault/tokens',
    summary: 'List tokens',
    description: 'Newest first; with a fingerprint, those that hold the same value.',
    credentials: 'api-key',
    scope: 'vault:read',
    cost: 3,
    urgency: 'deferrable',
    headerGroups: reading,
    query: vaultPageQuerySchema,
    success: { status: 200, description: 'A page of tokens.', schema: vaultTokenPageSchema },
    faults: [...authenticated, 'request/invalid'],
  },
  deleteVaultToken: {
    method: 'DELETE',
    path: '/v1/vault/tokens/:id',
    summary: 'Delete a token',
    description: 'Its sealed value, mask, metadata and fingerprint are removed at once.',
    credentials: 'api-key',
    scope: 'vault:write',
    cost: 5,
    urgency: 'ordinary',
    headerGroups: reading,
    params: { schema: z.strictObject({ id: idSchema('vaultToken') }), otherwise: 'vault/token_unknown' },
    success: { status: 204, description: 'It is gone.' },
    faults: [...authenticated, 'vault/token_unknown'],
  },
  createForward: {
    method: 'POST',
    path: '/v1/forward',
    summary: 'Forward a request with tokens',
    description: 'Sends a request to an address that the operator allowed for you, with the values of your tokens in the place of `{{tok_…}}`. The values are put in where you cannot see them, and taken out of the answer. Sent once at most for each key: where no whole answer came, it ends as `unknown` and is not sent again.',
    credentials: 'api-key',
    scope: 'forwards:write',
    cost: 20,
    urgency: 'ordinary',
    headerGroups: writing,
    body: { kind: 'json', schema: createForwardSchema, nodesMax: forwardNodesMax },
    bodyBytesMax,
    needsIdempotencyKey: true,
    success: { status: 201, description: 'It is over: answered, failed or unknown.', schema: forwardSchema },
    pending: { status: 202, description: 'It is not over after five seconds: read it later.' },
    faults: [...authenticated, ...withBody, ...acting, 'forwards/destination_refused', 'vault/token_unknown',
      'forwards/answer_unreadable'],
  },
  getForward: {
    method: 'GET',
    path: '/v1/forwards/:id',
    summary: 'Read a forward',
    description: 'What came of it. The answer is kept for an hour.',
    credentials: 'api-key',
    scope: 'forwards:read',
    cost: 1,
    urgency: 'ordinary',
    headerGroups: reading,
    params: { schema: z.strictObject({ id: idSchema('forward') }), otherwise: 'forwards/unknown' },
    success: { status: 200, description: 'The forward.', schema: forwardSchema },
    faults: [...authenticated, 'forwards/unknown', 'forwards/answer_unreadable'],
  },
  getLimits: {
    method: 'GET',
    path: '/v1/limits',
    summary: 'Read your limits',
    description: 'What this key, you, and each operation may still take, in tokens, and what each operation costs (docs/limits.md).',
    credentials: 'api-key',
    scope: 'usage:read',
    cost: 1,
    urgency: 'deferrable',
    headerGroups: reading,
    success: { status: 200, description: 'The limits.', schema: limitsSchema },
    faults: authenticated,
  },
  receiveCallback: {
    method: 'POST',
    path: '/v1/callbacks/:provider/:token',
    ...callback(),
    summary: 'A payment network reports',
  },
  receiveCallbackByPut: {
    method: 'PUT',
    path: '/v1/callbacks/:provider/:token',
    ...callback(),
    summary: 'A payment network reports by PUT',
  },
  getPins: {
    method: 'GET',
    path: '/v1/tls/pins',
    summary: 'Certificate pins',
    description: 'For mobile apps: the public keys of which one is in our certificate chain, with backups, the calendar of their rotation, and the custodian\u2019s signature over all of it. Check the chain as usual first; pins add to that, and count no more once `expires_at` is over.',
    credentials: 'none',
    cost: 1,
    urgency: 'deferrable',
    headerGroups: visiting,
    success: { status: 200, description: 'The newest set.', schema: publishedPinSetSchema },
    faults: ['tls/no_pins', 'store/unavailable'],
  },
  getOpenApi: {
    method: 'GET',
    path: '/v1/openapi.json',
    summary: 'This document',
    description: 'OpenAPI 3.1, generated from the schemas that the gateway itself checks requests with.',
    credentials: 'none',
    cost: 2,
    urgency: 'deferrable',
    headerGroups: visiting,
    success: { status: 200, description: 'The OpenAPI document.', contentType: 'application/json' },
    faults: ['access/limit_exceeded'],
  },
  getReference: {
    method: 'GET',
    path: '/reference',
    summary: 'The reference page',
    description: 'The same document for people.',
    credentials: 'none',
    cost: 2,
    urgency: 'deferrable',
    headerGroups: visiting,
    success: { status: 200, description: 'A page.', contentType: 'text/html; charset=utf-8' },
    faults: ['access/limit_exceeded'],
  },
} as const satisfies Record<string, Operation>

export type OperationName = keyof typeof operations
export const operationNames = Object.keys(operations) as readonly OperationName[]

/** What may go wrong with any request, before its operation is looked at. */
export const commonFaults: readonly FaultCode[] = [
  'request/malformed', 'request/header_refused', 'request/method_refused', 'request/not_found', 'request/fetch_refused',
  'gateway/overloaded', 'gateway/internal',
]

function callback() {
  return {
    description: 'For payment networks. The path is unguessable; what arrives is a hint and never believed.',
    credentials: 'path-token',
    cost: 1,
    urgency: 'vital',
    headerGroups: ['every', 'fetch', 'body', 'provider'],
    params: {
      schema: z.strictObject({ provider: z.string().regex(/^[a-z][a-z0-9-]{1,31}$/), token: z.base64url().min(1).max(256) }),
      otherwise: 'callbacks/unknown',
    },
    body: { kind: 'raw' },
    bodyBytesMax: callbackBytesMax,
    success: { status: 202, description: 'Taken note.' },
    faults: ['callbacks/unknown', 'access/limit_exceeded', 'request/too_large', 'store/unavailable', 'custodian/unavailable'],
  } as const satisfies Partial<Operation>
}
