import { z } from 'zod'
import { classed } from '../classed.ts'
import { idSchema, worldSchema } from '../ids.ts'
import { paymentDirections, paymentSchema, paymentStatuses, type PaymentDirection, type PaymentStatus } from './payments.ts'
import { payoutSchema } from './payouts.ts'
import { refundSchema } from './refunds.ts'
import { settlementSchema, settlementStates, type SettlementState } from './settlements.ts'

/** What a movement of money is called in its events, by its direction. */
export const movementNouns = { collection: 'payment', payout: 'payout', refund: 'refund' } as const satisfies Record<PaymentDirection, string>

/** Why nothing goes to an endpoint any more: every try failed for too long, or it answered 410. */
export const webhookDisabledReasons = ['failing', 'gone'] as const
export type WebhookDisabledReason = (typeof webhookDisabledReasons)[number]

export const endpointEventTypes = ['webhook_endpoint.failing', 'webhook_endpoint.disabled', 'webhook_endpoint.enabled'] as const
export type EndpointEventType = (typeof endpointEventTypes)[number]
export type SettlementEventType = `settlement.${SettlementState}`
export const settlementEventTypes: readonly SettlementEventType[] = Object.freeze(settlementStates.map((state) => `settlement.${state}` as const))
/** A payment goes on once its payer did something; its state stays `processing`. */
export const actionEventType = 'payment.requires_action'
export type ObjectEventType = `${(typeof movementNouns)[PaymentDirection]}.${PaymentStatus}` | typeof actionEventType | EndpointEventType
  | SettlementEventType

/** Every change that a merchant is told of; the database has a copy of the table, which a test compares. */
export const objectEventTypes: readonly ObjectEventType[] = Object.freeze([
  ...paymentDirections.flatMap((direction) => paymentStatuses.map((status): ObjectEventType => `${movementNouns[direction]}.${status}`))
    // What nobody approves does not wait for it.
    .filter((type: string) => type !== 'payment.awaiting_approval'),
  actionEventType,
  ...endpointEventTypes,
  ...settlementEventTypes,
])

export const objectEventTypeSchema = classed('internal', z.enum(objectEventTypes as readonly [ObjectEventType, ...ObjectEventType[]]))

/** An endpoint as it was when it began to fail, was disabled or enabled. */
export const endpointInEventSchema = z.strictObject({
  id: classed('internal', idSchema('webhookEndpoint')),
  object: classed('public', z.literal('webhook_endpoint')),
  world: classed('internal', worldSchema),
  url: classed('internal', z.string()),
  failing_since: classed('internal', z.iso.datetime()).nullable(),
  disabled_at: classed('internal', z.iso.datetime()).nullable(),
  disabled_because: classed('internal', z.enum(webhookDisabledReasons)).nullable(),
})

/** The same as the body of the webhook that tells of it. */
export const objectEventSchema = z.strictObject({
  id: classed('internal', idSchema('event')).meta({ description: 'The same by webhook and by list, however often it is told.' }),
  object: classed('public', z.literal('event')),
  type: objectEventTypeSchema,
  timestamp: classed('internal', z.iso.datetime()).meta({ description: 'When the change was.' }),
  sequence: classed('internal', z.int().positive())
    .meta({ description: 'Counts the events of the object in `data` from 1, without a gap. What has a higher number is newer.' }),
  data: z.union([paymentSchema, payoutSchema, refundSchema, endpointInEventSchema, settlementSchema]).meta({ description: 'The object as it was then.' }),
})
export type ObjectEventView = z.output<typeof objectEventSchema>

export const objectEventPageSchema = z.strictObject({
  object: classed('public', z.literal('list')),
  data: z.array(objectEventSchema),
  next_cursor: classed('internal', z.string()).nullable()
    .meta({ description: 'Where to go on, now or later: what comes after it was never listed before. `null` only where there was no event yet.' }),
})
