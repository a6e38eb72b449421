import { z } from 'zod'
import { classed } from '../classed.ts'
import { idSchema, paymentIdSchema, worldSchema } from '../ids.ts'
import { webhookHoldReasons } from './webhook-endpoints.ts'

/**
 * What came of one attempt. Where nothing answered one word says so: whether a name has an address, and which, and what is open
 * there, is nothing that we look up for others.
 */
export const webhookAttemptReasons = [
  'accepted', 'refused', 'timed_out', 'connection_lost', 'certificate_refused', 'not_reached', 'secret_missing', 'gone',
] as const
export type WebhookAttemptReason = (typeof webhookAttemptReasons)[number]
/** Why a delivery is where it is: its last attempt, or why there was none. */
export const webhookDeliveryReasons = [...webhookAttemptReasons, ...webhookHoldReasons, 'endpoint_deleted', 'endpoint_disabled', 'withheld'] as const
export type WebhookDeliveryReason = (typeof webhookDeliveryReasons)[number]
/** As many as can be configured. */
export const webhookAttemptsMax = 32

export const webhookDeliveryStates = ['pending', 'delivered', 'given_up'] as const
export type DeliveryState = (typeof webhookDeliveryStates)[number]

export const webhookAttemptSchema = z.strictObject({
  at: classed('internal', z.iso.datetime()),
  status: classed('internal', z.int()).nullable().meta({ description: 'The HTTP status that your endpoint answered; `null` where it did not.' }),
  reason: classed('internal', z.enum(webhookAttemptReasons)).meta({
    description: '`accepted`: 2xx. `refused`: another status. `timed_out`, `connection_lost`: it took the request and did not answer. `certificate_refused`: its certificate is not valid for its name. `not_reached`: nothing took the request. `secret_missing`: replace the endpoint\u2019s secret. `gone`: it answered 410, and is disabled.',
  }),
  duration_ms: classed('internal', z.int()).nullable().meta({ description: 'Until the whole answer was there; `null` where there was none.' }),
})

export const webhookDeliverySchema = z.strictObject({
  id: classed('internal', idSchema('webhookDelivery')).meta({ description: 'The `webhook-id` of each attempt.' }),
  object: classed('public', z.literal('webhook_delivery')),
  world: classed('internal', worldSchema),
  endpoint: classed('internal', idSchema('webhookEndpoint')),
  event: classed('internal', z.string()).meta({ description: 'What happened: the `type` of the webhook.' }),
  event_id: classed('internal', idSchema('event')).meta({ description: 'The `id` of what is told, as `GET /v1/events` has it.' }),
  event_at: classed('internal', z.iso.datetime()),
  sequence: classed('internal', z.int().min(0)).meta({ description: 'The event\u2019s own; 0 of those from before there were events.' }),
  payment: classed('internal', paymentIdSchema()).nullable().meta({ description: '`null` where the event is of no payment.' }),
  state: classed('internal', z.enum(webhookDeliveryStates)),
  reason: classed('internal', z.enum(webhookDeliveryReasons)).nullable().meta({
    description: 'Of the last attempt, or why there is none: `encryption_key_missing` and `terms_unproven` as in `held_because` of the endpoint, `endpoint_disabled`: replay it when the endpoint is enabled. `withheld`: we could not prove what it would say. `null` before the first.',
  }),
  attempts: z.array(webhookAttemptSchema).max(webhookAttemptsMax).meta({ description: 'The earliest first.' }),
  next_attempt_at: classed('internal', z.iso.datetime()).nullable()
    .meta({ description: 'When it is tried again, at the earliest; `null` where it is tried now, or not again.' }),
  replays: classed('internal', z.int().min(0)).meta({ description: 'How often you had it told again.' }),
  created_at: classed('internal', z.iso.datetime()),
  settled_at: classed('internal', z.iso.datetime()).nullable().meta({ description: 'When it was delivered or given up.' }),
})
export type WebhookDeliveryView = z.output<typeof webhookDeliverySchema>

/** Older events than this are listed, not told again. */
export const replaySinceMsMax = 30 * 86_400_000

export const replayEndpointSchema = z.strictObject({
  since: classed('internal', z.iso.datetime()).meta({ description: 'Of events that happened then or later; those of the last 30 days at most.', example: '2026-11-20T00:00:00Z' }),
  state: classed('internal', z.enum(['given_up', 'all'])).default('given_up')
    .meta({ description: '`given_up`: what never arrived. `all`: what was delivered as well.' }),
})

export const webhookReplaySchema = z.strictObject({
  object: classed('public', z.literal('webhook_replay')),
  endpoint: classed('internal', idSchema('webhookEndpoint')),
  since: classed('internal', z.iso.datetime()).meta({ description: 'As you asked, or 30 days ago.' }),
  deliveries: classed('internal', z.int().min(0)).meta({ description: 'How many are told again.' }),
  continue_from: classed('internal', z.iso.datetime()).nullable().meta({ description: 'The `since` of the next call; `null` where this was all.' }),
})
export type WebhookReplayView = z.output<typeof webhookReplaySchema>

export const webhookDeliveryPageSchema = z.strictObject({
  object: classed('public', z.literal('list')),
  data: z.array(webhookDeliverySchema),
  next_cursor: classed('internal', z.string()).nullable(),
})
