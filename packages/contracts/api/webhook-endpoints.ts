import { z } from 'zod'
import { classed } from '../classed.ts'
import { idSchema, worldSchema } from '../ids.ts'
import { objectEventTypeSchema, webhookDisabledReasons } from './events.ts'

/** The longest address that a webhook goes to; longer ones hide things in logs and break proxies. */
const urlLengthMax = 512

/** `required`: events go out encrypted to the merchant's key (JWE), or not at all. */
export const webhookEncryptions = ['none', 'required'] as const
export type WebhookEncryption = (typeof webhookEncryptions)[number]
/** Why nothing is sent to an endpoint for now, though there is something to tell. */
export const webhookHoldReasons = ['encryption_key_missing', 'terms_unproven'] as const
export type WebhookHoldReason = (typeof webhookHoldReasons)[number]

const url = classed('internal', z.url({ protocol: /^https?$/ }).max(urlLengthMax))
  .meta({ description: 'Where events go. HTTPS, unless the operator allows the address by name.', example: 'https://shop.example/hooks' })
const encryption = classed('internal', z.enum(webhookEncryptions))
const encryptionDescription = '`required`: each event is encrypted to your newest key of use `encrypt` (JWE, RSA-OAEP-256 with A256GCM), and waits where you have none. `none`: JSON.'

/** Each once, in any order. */
const eventTypes = z.array(objectEventTypeSchema).min(1).max(64).refine((types) => new Set(types).size === types.length)
const eventTypesDescription = 'What it is told of; `null`: how each movement of money ended (`succeeded`, `failed`, `cancelled`, `reversed`).'

export const createWebhookEndpointSchema = z.strictObject({
  url,
  encryption: encryption.default('none').meta({ description: encryptionDescription }),
  event_types: eventTypes.nullable().default(null).meta({ description: eventTypesDescription, example: ['payment.succeeded'] }),
})
export type CreateWebhookEndpoint = z.output<typeof createWebhookEndpointSchema>

/** Whole, so that nothing of what was before has to be believed. */
export const changeWebhookEndpointSchema = z.strictObject({
  url,
  encryption: encryption.meta({ description: encryptionDescription }),
  event_types: eventTypes.nullable().default(null).meta({ description: eventTypesDescription, example: ['payment.succeeded'] }),
})
export type ChangeWebhookEndpoint = z.output<typeof changeWebhookEndpointSchema>

export const webhookEndpointSchema = z.strictObject({
  id: classed('internal', idSchema('webhookEndpoint')),
  object: classed('public', z.literal('webhook_endpoint')),
  world: classed('internal', worldSchema),
  url: classed('internal', z.string()),
  encryption: classed('internal', z.enum(webhookEncryptions)),
  event_types: z.array(objectEventTypeSchema).nullable().meta({ description: eventTypesDescription }),
  held_since: classed('internal', z.iso.datetime()).nullable()
    .meta({ description: 'Since when events wait, because nothing can be sent here; `null` where they go out.' }),
  held_because: classed('internal', z.enum(webhookHoldReasons)).nullable()
    .meta({ description: '`encryption_key_missing`: you have no valid key of use `encrypt`; add one. `terms_unproven`: state the endpoint anew with PUT.' }),
  failing_since: classed('internal', z.iso.datetime()).nullable()
    .meta({ description: 'Since when it took nothing that was sent; `null` where it takes what comes.' }),
  disabled_at: classed('internal', z.iso.datetime()).nullable()
    .meta({ description: 'Since when nothing is sent to it any more; events are kept, to be listed and replayed. Enable it when it answers again.' }),
  disabled_because: classed('internal', z.enum(webhookDisabledReasons)).nullable()
    .meta({ description: '`failing`: it took nothing for days. `gone`: it answered 410.' }),
  created_at: classed('internal', z.iso.datetime()),
  secret_created_at: classed('internal', z.iso.datetime()),
  previous_secret_ends_at: classed('internal', z.iso.datetime()).nullable()
    .meta({ description: 'Until then the secret before signs as well; `null` where one secret signs alone.' }),
})
export type WebhookEndpointView = z.output<typeof webhookEndpointSchema>

/** The answers to creation and replacement alone carry the secret, once. */
export const createdWebhookEndpointSchema = webhookEndpointSchema.extend({
  secret: classed('restricted', z.string()).nullable()
    .meta({ description: 'Standard Webhooks secret, shown this once; `null` where a repeated request gets this answer again.' }),
})

/** A receiver has to be given the new secret within this: a longer overlap is a second secret for ever. */
const overlapSMax = 7 * 86_400
const overlapS = 86_400

export const replaceWebhookSecretSchema = z.strictObject({
  expires_in: classed('internal', z.int().min(0).max(overlapSMax)).default(overlapS)
    .meta({ description: 'Seconds for which the secret before signs as well; 0 ends it, and any before it, at once.' }),
})

export const webhookEndpointPageSchema = z.strictObject({
  object: classed('public', z.literal('list')),
  data: z.array(webhookEndpointSchema),
  next_cursor: classed('internal', z.string()).nullable(),
})
