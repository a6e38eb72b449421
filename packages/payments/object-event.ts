import { createHash, createHmac } from 'node:crypto'
import {
  movementNouns, objectEventSchema, type EndpointEventType, type FailureCode, type NextAction, type ObjectEventType, type ObjectEventView, type PaymentDirection,
  type PaymentStatus, type SettlementEventType, type SettlementState, type WebhookDisabledReason,
} from '@ngome/contracts'
import {
  equalsInConstantTime, idOf, idRandomBytes, lengthPrefixed, type Currency, type EventId, type PaymentId, type Secret, type SettlementId, type Tenant,
  type WebhookEndpointId,
} from '@ngome/kernel'
import { paymentView, payoutView, refundView, type ShownPayment } from './payment-view.ts'
import { settlementView } from './settlement-view.ts'

/** What never changes of a movement of money, as its merchant may see it. */
export type Movement = Omit<ShownPayment, 'tenant' | 'status' | 'failure' | 'nextAction' | 'updatedAtMs'> & {
  readonly direction: PaymentDirection
  /** The collection that a refund gives back; `null` of all else. */
  readonly original: PaymentId | null
}
export type MovementFacts = { readonly status: PaymentStatus; readonly failure: FailureCode | null; readonly next_action?: NextAction | undefined }
export type EndpointFacts = {
  readonly url: string
  readonly failing_since: string | null
  readonly disabled_at: string | null
  readonly disabled_because: WebhookDisabledReason | null
}

/** All of a settlement, as it was then. */
export type SettlementFacts = {
  readonly status: SettlementState
  /** Digits: JSON has no number for it. */
  readonly amount_minor: string
  readonly currency: Currency
  readonly day: string
  readonly bank_reference: string | null
  readonly failure: string | null
  readonly created_at: string
}

/** A change of what a merchant can see change; `sequence` counts those of its object from 1. */
export type ObjectEvent = {
  readonly id: EventId
  readonly tenant: Tenant
  readonly sequence: number
  readonly atMs: number
} & (
  | { readonly kind: 'movement'; readonly type: Exclude<ObjectEventType, EndpointEventType | SettlementEventType>; readonly movement: Movement; readonly facts: MovementFacts }
  | { readonly kind: 'endpoint'; readonly type: EndpointEventType; readonly endpoint: WebhookEndpointId; readonly facts: EndpointFacts }
  | { readonly kind: 'settlement'; readonly type: SettlementEventType; readonly settlement: SettlementId; readonly facts: SettlementFacts }
)

/** The id of an object's event, which follows from what it is the event of; `ngome.id_of` computes the same. */
export function eventIdOf(tenant: Tenant, object: string, sequence: number, atMs: number): EventId {
  const [time] = /^evt_.{10}/.exec(idOf('event', atMs, new Uint8Array(idRandomBytes), 0)) ?? []
  const digest = createHash('sha256').update(`${tenant.merchant}:${tenant.world}:${object}:${sequence}`, 'utf8').digest('hex')
  return `${time}${digest.slice(0, 16)}` as EventId
}

/** The event of a movement that begins; what the database writes of it in the same transaction is the same. */
export function firstEvent(payment: Movement & Pick<ShownPayment, 'tenant' | 'status'>): ObjectEvent {
  const { id, tenant, direction, status, createdAtMs: atMs } = payment
  const type = `${movementNouns[direction]}.${status}` as const
  return { id: eventIdOf(tenant, id, 1, atMs), tenant, sequence: 1, atMs, kind: 'movement', type, movement: payment, facts: { status, failure: null } }
}

/**
 * An event as its merchant sees it, by list and by webhook alike: the object as it was then, masked. It is held against the schema
 * of the API, so that nothing else can slip into it.
 * @throws ZodError for rows that are nothing that a merchant could be told
 */
export function eventView(event: ObjectEvent): ObjectEventView {
  return objectEventSchema.parse({
    id: event.id,
    object: 'event',
    type: event.type,
    timestamp: iso(event.atMs),
    sequence: event.sequence,
    data: dataOf(event),
  })
}

function dataOf(event: ObjectEvent): object {
  const { tenant } = event
  switch (event.kind) {
    case 'movement': return movementView(event)
    case 'endpoint': return {
      id: event.endpoint, object: 'webhook_endpoint', world: tenant.world, url: event.facts.url, failing_since: event.facts.failing_since,
      disabled_at: event.facts.disabled_at, disabled_because: event.facts.disabled_because,
    }
    case 'settlement': return shownSettlement(event)
  }
}

function shownSettlement({ tenant, settlement: id, facts, atMs }: ObjectEvent & { readonly kind: 'settlement' }): object {
  return settlementView({
    id, tenant, state: facts.status, amountMinor: BigInt(facts.amount_minor), currency: facts.currency, day: facts.day,
    bankReference: facts.bank_reference, failure: facts.failure, createdAtMs: Date.parse(facts.created_at), updatedAtMs: atMs,
  })
}

/** How a movement is shown, by its direction: as the answers of its own operations show it. */
const views: Readonly<Record<PaymentDirection, (shown: ShownPayment & Movement) => object>> = {
  collection: paymentView, payout: payoutView, refund: refundView,
}

function movementView({ tenant, movement, facts, atMs }: ObjectEvent & { readonly kind: 'movement' }): object {
  const { status, failure, next_action: nextAction } = facts
  return views[movement.direction]({ ...movement, status, failure, nextAction, tenant, updatedAtMs: atMs })
}

/** The body of the webhook that tells of it, the same bytes each time. @throws ZodError as {@link eventView} */
export function eventBody(event: ObjectEvent): Uint8Array {
  return Buffer.from(JSON.stringify(eventView(event)), 'utf8')
}

/** Separates these MACs from each other use of the secret, callbacks' paths first. */
const label = 'ngome/object-event/v1'

/**
 * Proves what a webhook says of an event, to the byte. Only who holds the secret that gateway and dispatcher share, which no database
 * does, can make one.
 * @returns 32 bytes, HMAC-SHA-256
 * @throws ZodError as {@link eventView}
 */
export function proveEvent(secret: Secret<Uint8Array>, event: ObjectEvent): Uint8Array {
  return secret.expose((key) => createHmac('sha256', key).update(label, 'utf8').update(eventSubject(event)).digest())
}

/** What is proven, and vouched for, of an event: whose it is and all that a webhook says. @throws ZodError as {@link eventView} */
export function eventSubject(event: ObjectEvent): Uint8Array {
  return lengthPrefixed(event.tenant.merchant, event.tenant.world, event.id, eventBody(event))
}

/** Whether an event is what was proven when it happened, in constant time. Rows that are no event are not. */
export function isProvenEvent(secret: Secret<Uint8Array>, event: ObjectEvent, proof: Uint8Array | null): boolean {
  if (proof === null) return false
  try {
    return equalsInConstantTime(proveEvent(secret, event), proof)
  } catch (error) {
    if (isFormless(error)) return false
    throw error
  }
}

/** Whether an error says that rows which somebody made up have no form that a merchant could be told. */
export function isFormless(error: unknown): boolean {
  return error instanceof Error
    && (error.name.includes('ZodError') || error instanceof RangeError || error instanceof TypeError || error instanceof SyntaxError)
}

/**
 * Proves a change by the one before it: what never changes of the object is what was proven then. For who changes an object without
 * having compared it with anything sealed.
 * @param previous the object's event before, with its proof; `null` where there is none
 * @returns `null` where that one is not proven: the change happens all the same, and no webhook tells of it
 */
export function proveNextEvent(
  secret: Secret<Uint8Array>, event: ObjectEvent, previous: { readonly event: ObjectEvent; readonly proof: Uint8Array | null } | null,
): Uint8Array | null {
  return previous !== null && isProvenEvent(secret, previous.event, previous.proof) ? proveEvent(secret, event) : null
}

function iso(ms: number): string {
  return new Date(ms).toISOString()
}
