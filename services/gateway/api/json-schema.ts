import {
  apiKeyPageSchema, apiKeySchema, checkoutSessionSchema, createCheckoutSessionSchema, createdCheckoutSessionSchema, changeWebhookEndpointSchema, createApiKeySchema, createdApiKeySchema, createdWebhookEndpointSchema, createForwardSchema,
  addPayoutsSchema, batchedPayoutSchema, createPaymentSchema, createPayoutBatchSchema, createPayoutSchema, payoutBatchPartSchema, payoutBatchSchema, createRefundSchema,
  approvePayoutBatchSchema, approvePayoutSchema, decidedPayoutSchema, createVaultTokenSchema, createWebhookEndpointSchema,
  forwardSchema, limitsSchema,
  objectEventPageSchema, objectEventSchema, paymentPageSchema, paymentSchema, payoutPageSchema, payoutSchema, problemSchema, refundPageSchema, refundSchema, settlementPageSchema, settlementSchema, replaceWebhookSecretSchema, replayEndpointSchema, rollApiKeySchema, rolledApiKeySchema, vaultTokenPageSchema, vaultTokenSchema, webhookDeliveryPageSchema,
  webhookDeliverySchema, webhookEndpointPageSchema,
  webhookEndpointSchema, webhookReplaySchema,
} from '@ngome/contracts'
import { z } from 'zod'

export type JsonObject = { [key: string]: unknown }
type Io = 'input' | 'output'

/** The schemas that the document names; others stand where they are used. */
const named = {
  input: {
    ChangeWebhookEndpoint: changeWebhookEndpointSchema,
    CreateApiKey: createApiKeySchema,
    CreateCheckoutSession: createCheckoutSessionSchema,
    CreateForward: createForwardSchema,
    CreatePayment: createPaymentSchema,
    ReplayEndpoint: replayEndpointSchema,
    ApprovePayout: approvePayoutSchema,
    ApprovePayoutBatch: approvePayoutBatchSchema,
    CreatePayout: createPayoutSchema,
    CreatePayoutBatch: createPayoutBatchSchema,
    AddPayouts: addPayoutsSchema,
    BatchedPayout: batchedPayoutSchema,
    CreateRefund: createRefundSchema,
    CreateVaultToken: createVaultTokenSchema,
    CreateWebhookEndpoint: createWebhookEndpointSchema,
    ReplaceWebhookSecret: replaceWebhookSecretSchema,
    RollApiKey: rollApiKeySchema,
  },
  output: {
    ApiKey: apiKeySchema,
    ApiKeyPage: apiKeyPageSchema,
    CreatedApiKey: createdApiKeySchema,
    RolledApiKey: rolledApiKeySchema,
    CheckoutSession: checkoutSessionSchema,
    CreatedCheckoutSession: createdCheckoutSessionSchema,
    Forward: forwardSchema,
    Limits: limitsSchema,
    Event: objectEventSchema,
    EventPage: objectEventPageSchema,
    WebhookReplay: webhookReplaySchema,
    Payment: paymentSchema,
    PaymentPage: paymentPageSchema,
    DecidedPayout: decidedPayoutSchema,
    Payout: payoutSchema,
    PayoutBatch: payoutBatchSchema,
    PayoutBatchPart: payoutBatchPartSchema,
    PayoutPage: payoutPageSchema,
    Refund: refundSchema,
    RefundPage: refundPageSchema,
    Settlement: settlementSchema,
    SettlementPage: settlementPageSchema,
    VaultToken: vaultTokenSchema,
    VaultTokenPage: vaultTokenPageSchema,
    WebhookDelivery: webhookDeliverySchema,
    WebhookDeliveryPage: webhookDeliveryPageSchema,
    WebhookEndpoint: webhookEndpointSchema,
    CreatedWebhookEndpoint: createdWebhookEndpointSchema,
    WebhookEndpointPage: webhookEndpointPageSchema,
    Problem: problemSchema,
  },
} as const satisfies Record<Io, Record<string, z.ZodType>>

/** The `components.schemas` of the document. */
export function componentSchemas(): JsonObject {
  return { ...components('input'), ...components('output') }
}

/** A schema where it is used: a reference where it has a name, itself otherwise. */
export function schemaOrReference(schema: z.ZodType, io: Io): JsonObject {
  const [name] = Object.entries<z.ZodType>(named[io]).find(([, one]) => one === schema) ?? []
  return name === undefined ? jsonSchema(schema, io) : { $ref: reference(name) }
}

/** A schema as JSON Schema of 2020-12, the dialect of OpenAPI 3.1. */
export function jsonSchema(schema: z.ZodType, io: Io): JsonObject {
  return plain(z.toJSONSchema(schema, { io, override: tidy }))
}

function components(io: Io): JsonObject {
  const registry = z.registry<{ id: string }>()
  for (const [id, schema] of Object.entries<z.ZodType>(named[io])) registry.add(schema, { id })
  const { schemas } = z.toJSONSchema(registry, { io, uri: reference, override: tidy })
  return Object.fromEntries(Object.entries(schemas).map(([name, schema]) => [name, plain(schema)]))
}

function reference(name: string): string {
  return `#/components/schemas/${name}`
}

function plain(schema: object): JsonObject {
  const { $schema: _dialect, $id: _id, id: _name, ...rest } = schema as JsonObject
  return rest
}

function tidy({ jsonSchema: json }: { jsonSchema: JsonObject }): void {
  // JSON Schema of 2020-12 knows `examples`, a list; our schemas carry the one that matters.
  if ('example' in json) {
    json['examples'] = [json['example']]
    delete json['example']
  }
  // zod writes the format out as a pattern that nobody can read.
  if (json['format'] === 'date-time' || json['format'] === 'uri') delete json['pattern']
}
