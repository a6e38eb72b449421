import { createHash } from 'node:crypto'
import type { JobData, ObjectEventType, WebhookDeliveryReason } from '@ngome/contracts'
import { idOf, idRandomBytes, type PaymentId, type Tenant, type WebhookDeliveryId, type WebhookEndpointId } from '@ngome/kernel'
import { replayMax, replayPauseMs, replaysMax, type Delivery, type EventStore, type ProvableEvent, type Replayable, type SealedWebhookSecret, type SeenDelivery, type WebhookEndpointRow } from '@ngome/store'
import { tenantKey } from './tenant-key.ts'

/** What a merchant stated of where it is told, with the secret that signs. */
export type NewEndpoint = {
  readonly id: WebhookEndpointId
  readonly tenant: Tenant
  readonly url: string
  readonly eventTypes: readonly ObjectEventType[]
  readonly termsProof: Uint8Array
  readonly createdAtMs: number
  readonly secret: SealedWebhookSecret
}

export type KeptDelivery = {
  readonly id: WebhookDeliveryId
  readonly endpoint: NewEndpoint
  readonly payment: PaymentId
  readonly told: ProvableEvent
  state: Delivery['state']
  tries: number
  triedSinceMs: number | null
  nextTryAtMs: number | null
  reason: WebhookDeliveryReason | null
  waits: boolean
  replays: number
  replayedAtMs: number | null
}

type Result = Parameters<EventStore['recordDeliveryResult']>[2]
type OnJob = (data: JobData<'webhook-deliver'>, startAfterMs: number) => void

/** What is to be told to endpoints: a delivery for each event, as the database's trigger makes them, in their objects' order. */
export class MemoryWebhooks {
  readonly #endpoints = new Map<string, NewEndpoint[]>()
  readonly #deliveries = new Map<string, KeptDelivery>()
  /** Of each object and endpoint, in order. */
  readonly #rows = new Map<string, KeptDelivery[]>()
  readonly #onJob: OnJob

  constructor(onJob: OnJob) {
    this.#onJob = onJob
  }

  add(endpoint: NewEndpoint): void {
    const key = tenantKey(endpoint.tenant, '')
    this.#endpoints.set(key, [...this.#endpoints.get(key) ?? [], endpoint])
  }

  all(): readonly KeptDelivery[] {
    return [...this.#deliveries.values()]
  }

  /** @param told whose proof may still be written */
  tell(payment: PaymentId, told: ProvableEvent): void {
    const { tenant, id, type, atMs } = told.event
    for (const endpoint of this.#endpoints.get(tenantKey(tenant, '')) ?? []) {
      if (!endpoint.eventTypes.includes(type)) continue
      const digest = createHash('sha256').update(id + endpoint.id, 'utf8').digest().subarray(0, idRandomBytes)
      const delivery: KeptDelivery = {
        id: idOf('webhookDelivery', atMs, digest, 0), endpoint, payment, told, state: 'pending', tries: 0, triedSinceMs: null, nextTryAtMs: null, reason: null, waits: false, replays: 0, replayedAtMs: null,
      }
      this.#deliveries.set(tenantKey(tenant, delivery.id), delivery)
      this.#rowOf(delivery).push(delivery)
      this.#enqueue(delivery, 0)
    }
  }

  load(tenant: Tenant, id: WebhookDeliveryId): Delivery | undefined {
    const delivery = this.#deliveries.get(tenantKey(tenant, id))
    if (delivery === undefined) return undefined
    const { endpoint, state, tries, triedSinceMs, nextTryAtMs, payment, told } = delivery
    const { url, eventTypes, termsProof, secret } = endpoint
    return {
      id, state, tries, triedSinceMs, nextTryAtMs, payment, told: { ...told }, endpointId: endpoint.id,
      endpoint: { id: endpoint.id, url, encryption: 'none', termsProof, isHeld: false, isDisabled: false, eventTypes, secrets: [secret] },
    }
  }

  waitForTurn(tenant: Tenant, id: WebhookDeliveryId): 'now' | 'later' {
    const delivery = this.#deliveries.get(tenantKey(tenant, id))
    if (delivery === undefined || !this.#rowOf(delivery).some((before) => before.state === 'pending' && sequenceOf(before) < sequenceOf(delivery))) return 'now'
    delivery.waits = true
    return 'later'
  }

  /** Endpoints here are neither held nor so bad that nothing goes to them any more. */
  record(tenant: Tenant, seen: SeenDelivery, result: Result, atMs: number): 'recorded' | 'superseded' {
    if (result.kind === 'held') throw new TypeError('no endpoint here is held')
    const delivery = this.#deliveries.get(tenantKey(tenant, seen.id))
    if (delivery?.state !== 'pending') return 'superseded'
    if (result.kind !== 'delivered' && (delivery.tries !== seen.tries || delivery.nextTryAtMs !== seen.nextTryAtMs)) return 'superseded'
    delivery.tries++
    delivery.triedSinceMs ??= atMs
    delivery.nextTryAtMs = result.kind === 'retry' ? atMs + result.afterMs : null
    delivery.reason = result.kind === 'given_up' ? result.reason : result.attempt.reason
    if (result.kind === 'retry') {
      this.#enqueue(delivery, result.afterMs)
      return 'recorded'
    }
    delivery.state = result.kind
    const next = this.#rowOf(delivery).find((row) => row.state === 'pending' && sequenceOf(row) > sequenceOf(delivery))
    if (next?.waits === true) {
      next.waits = false
      this.#enqueue(next, 0)
    }
    return 'recorded'
  }

  endpoint(tenant: Tenant, id: WebhookEndpointId): WebhookEndpointRow | undefined {
    const endpoint = this.#endpoints.get(tenantKey(tenant, ''))?.find((one) => one.id === id)
    if (endpoint === undefined) return undefined
    const { url, eventTypes, createdAtMs, secret: { version } } = endpoint
    return {
      id, tenant, url, encryption: 'none', eventTypes, failingSinceMs: null, disabled: null, held: null, createdAtMs,
      secret: { version, createdAtMs, previousEndsAtMs: null },
    }
  }

  /** As `findReplayable` of the store. */
  replayable(tenant: Tenant, endpoint: WebhookEndpointId, { sinceMs, state, nowMs }: Parameters<EventStore['findReplayable']>[2]): Replayable {
    const own = this.all().filter((one) => one.endpoint.id === endpoint && tenantKey(one.endpoint.tenant, '') === tenantKey(tenant, ''))
    const found = own.filter((one) => one.state !== 'pending' && (state === null || one.state === state) && eventAtMs(one) >= sinceMs && mayReplay(one, nowMs))
    return {
      pending: Math.min(replayMax, own.filter((one) => one.state === 'pending').length),
      deliveries: found.toSorted((one, other) => one.id < other.id ? -1 : 1).slice(0, replayMax + 1).map((one) => ({ id: one.id, atMs: eventAtMs(one) })),
    }
  }

  /** As the database's function has it: those that wait already stay as they are. */
  replay(tenant: Tenant, endpoint: WebhookEndpointId, ids: readonly WebhookDeliveryId[], atMs: number): void {
    for (const id of ids) {
      const delivery = this.#deliveries.get(tenantKey(tenant, id))
      if (delivery?.endpoint.id !== endpoint || delivery.state === 'pending' || !mayReplay(delivery, atMs)) continue
      Object.assign(delivery, { state: 'pending', nextTryAtMs: null, tries: 0, triedSinceMs: null, waits: false, replays: delivery.replays + 1, replayedAtMs: atMs })
      this.#enqueue(delivery, 0)
    }
  }

  #enqueue({ id, endpoint: { id: endpoint, tenant } }: KeptDelivery, afterMs: number): void {
    this.#onJob({ ...tenant, delivery: id, endpoint }, afterMs)
  }

  #rowOf({ endpoint, payment }: KeptDelivery): KeptDelivery[] {
    const key = `${endpoint.id} ${payment}`
    let row = this.#rows.get(key)
    if (row === undefined) this.#rows.set(key, row = [])
    return row
  }
}

function mayReplay({ replays, replayedAtMs }: KeptDelivery, atMs: number): boolean {
  return replays < replaysMax && (replayedAtMs === null || replayedAtMs <= atMs - replayPauseMs)
}

function eventAtMs({ told: { event: { atMs } } }: KeptDelivery): number {
  return atMs
}

function sequenceOf({ told: { event: { sequence } } }: KeptDelivery): number {
  return sequence
}
