import { noCaps } from '@ngome/access'
import type { DataKey } from '@ngome/envelope'
import { Fault, type ApiKeyId, type Secret, type Tenant } from '@ngome/kernel'
import type { ApprovalRules } from '@ngome/payments'
import { readSignature } from '@ngome/signatures'
import type { BatchStore, EventStore, PaymentStore } from '@ngome/store'
import { listBalances } from '../services/gateway/balances/list-balances.ts'
import { receiveCallback } from '../services/gateway/callbacks/receive-callback.ts'
import { listEvents } from '../services/gateway/events/list-events.ts'
import type { Answer } from '../services/gateway/http/answer.ts'
import type { AuthenticatedCaller, Call } from '../services/gateway/http/call.ts'
import { NetworkLook } from '../services/gateway/networks/network-board.ts'
import { cancelPayment, cancelPayout, cancelRefund } from '../services/gateway/payments/cancel-payment.ts'
import { createPayment } from '../services/gateway/payments/create-payment.ts'
import type { Networks } from '../services/gateway/payments/order.ts'
import { PaymentReader } from '../services/gateway/payments/payment-reader.ts'
import type { PlaceOrderPorts } from '../services/gateway/payments/place-order.ts'
import { addPayouts } from '../services/gateway/payout-batches/add-payouts.ts'
import { cancelPayoutBatch } from '../services/gateway/payout-batches/cancel-payout-batch.ts'
import { createPayoutBatch } from '../services/gateway/payout-batches/create-payout-batch.ts'
import { approvePayoutBatch, refusePayoutBatch } from '../services/gateway/payout-batches/decide-payout-batch.ts'
import { getPayoutBatch } from '../services/gateway/payout-batches/get-payout-batch.ts'
import { createPayout } from '../services/gateway/payouts/create-payout.ts'
import { approvePayout, refusePayout } from '../services/gateway/payouts/decide-payout.ts'
import { createRefund } from '../services/gateway/refunds/create-refund.ts'
import { replayWebhookEndpoint } from '../services/gateway/webhook-endpoints/replay-webhook-endpoint.ts'
import type { Chance } from './chance.ts'
import type { Machine } from './machine.ts'

/** A request of a merchant, as it stands on the wire. */
export type MerchantRequest = {
  readonly tenant: Tenant
  readonly apiKey: ApiKeyId
  readonly path: string
  readonly body: unknown
  readonly bytes: Uint8Array
  /** Of what is only read. */
  readonly query?: object | undefined
  /** Of an order; what cancels has none. */
  readonly idempotencyKey: string | undefined
  /** Headers of a signed request (RFC 9421), by name. */
  readonly signed?: ReadonlyMap<string, string | undefined>
}

export type GatewaySettings = {
  readonly networks: Networks
  readonly dataKeyOf: (tenant: Tenant) => DataKey
  readonly secret: Secret<Uint8Array>
  readonly chance: Chance
  readonly approvals: ApprovalRules
}

export const host = 'pay.example'
/** Nobody here pays by card. */
const noCards = { findToken: async () => undefined, listOrigins: async () => [] }

/** What of the stores it reaches, over a road that may lose each call. */
export type GatewayStores = { readonly payments: PaymentStore; readonly batches: BatchStore; readonly events: EventStore }

type Taken = 'createPayment' | 'createPayout' | 'createRefund' | 'cancelPayment' | 'cancelPayout' | 'cancelRefund' | 'approvePayout' | 'refusePayout' | 'listEvents' | 'listBalances' | 'replayWebhookEndpoint'
  | 'createPayoutBatch' | 'addPayouts' | 'getPayoutBatch' | 'cancelPayoutBatch' | 'approvePayoutBatch' | 'refusePayoutBatch'

/** The gateway's own handlers, in a process that may die. */
export class ModelGateway {
  readonly #machine: Machine
  readonly #settings: GatewaySettings
  readonly #ports: PlaceOrderPorts & { readonly payments: PaymentStore }

  readonly #events: EventStore
  readonly #batches: BatchStore

  constructor(machine: Machine, { payments, batches, events }: GatewayStores, settings: GatewaySettings) {
    const { networks, secret, chance } = settings
    this.#machine = machine
    this.#settings = settings
    this.#events = machine.reach(events)
    this.#batches = machine.reach(batches)
    this.#ports = {
      payments: machine.reach(payments),
      dataKeys: { current: (tenant) => settings.dataKeyOf(tenant) },
      networks,
      board: { look: async () => new NetworkLook({ health: [], maintenance: [] }, machine.clock.nowMs()) },
      idempotencySecret: secret, eventSecret: secret, clock: machine.clock, random: chance.random,
    }
  }

  /** @throws Fault as the handlers do; `access/signature_refused` where a signature is too old or too new for this process's clock */
  async take(request: MerchantRequest): Promise<Answer> {
    const { approvals } = this.#settings
    const reading = { reader: new PaymentReader(this.#ports.payments) }
    const refunded = /^\/v1\/payments\/([^/]+)\/refunds$/.exec(request.path)?.[1]
    if (refunded !== undefined) return createRefund({ ...this.#ports, ...reading }, this.#call<'createRefund'>(request, { id: refunded }))
    if (request.path.startsWith('/v1/payout_batches')) return this.#takeOfBatch(request)
    if (request.path === '/v1/payouts') return createPayout({ ...this.#ports, approvals }, this.#call<'createPayout'>(request))
    if (request.path === '/v1/payments') return createPayment({ ...this.#ports, cards: noCards }, this.#call<'createPayment'>(request))
    const [, kind, id] = /^\/v1\/(payments|payouts|refunds)\/([^/]+)\/cancel$/.exec(request.path) ?? []
    if (kind === 'payments') return cancelPayment(this.#ports, this.#call<'cancelPayment'>(request, { id }))
    if (kind === 'payouts') return cancelPayout(this.#ports, this.#call<'cancelPayout'>(request, { id }))
    if (kind === 'refunds') return cancelRefund(this.#ports, this.#call<'cancelRefund'>(request, { id }))
    const [, payout, decision] = /^\/v1\/payouts\/([^/]+)\/(approve|refuse)$/.exec(request.path) ?? []
    if (decision === 'approve') return approvePayout({ ...this.#ports, approvals }, this.#call<'approvePayout'>(request, { id: payout }))
    if (decision === 'refuse') return refusePayout({ ...this.#ports, approvals }, this.#call<'refusePayout'>(request, { id: payout }))
    const endpoint = /^\/v1\/webhook_endpoints\/([^/]+)\/replay$/.exec(request.path)?.[1]
    if (endpoint !== undefined) return replayWebhookEndpoint({ ...this.#ports, events: this.#events }, this.#call<'replayWebhookEndpoint'>(request, { id: endpoint }))
    if (request.path === '/v1/balances') return listBalances(this.#ports, this.#call<'listBalances'>(request))
    if (request.path === '/v1/events') return listEvents({ events: this.#events, cursorSecret: this.#settings.secret, onFormless: bug }, this.#call<'listEvents'>(request))
    throw new TypeError(`no handler of ${request.path}`)
  }

  #takeOfBatch(request: MerchantRequest): Promise<Answer> {
    const ports = { ...this.#ports, batches: this.#batches, approvals: this.#settings.approvals }
    const [, id, step] = /^\/v1\/payout_batches\/([^/]+)(?:\/([a-z]+))?$/.exec(request.path) ?? []
    if (id === undefined) return createPayoutBatch(ports, this.#call<'createPayoutBatch'>(request))
    switch (step) {
      case undefined: return getPayoutBatch(ports, this.#call<'getPayoutBatch'>(request, { id }))
      case 'payouts': return addPayouts(ports, this.#call<'addPayouts'>(request, { id }))
      case 'cancel': return cancelPayoutBatch(ports, this.#call<'cancelPayoutBatch'>(request, { id }))
      case 'approve': return approvePayoutBatch(ports, this.#call<'approvePayoutBatch'>(request, { id }))
      case 'refuse': return refusePayoutBatch(ports, this.#call<'refusePayoutBatch'>(request, { id }))
      default: throw new TypeError(`no handler of ${request.path}`)
    }
  }

  callBack(token: string, bytes: Uint8Array): Promise<Answer> {
    const { secret } = this.#settings
    const ports = { ...this.#ports, providers: new Set(['mtn-momo']), callbackSecret: secret }
    return receiveCallback(ports, { params: { provider: 'mtn-momo', token }, bytes } as unknown as Call<'receiveCallback'>)
  }

  #call<N extends Taken>(request: MerchantRequest, params?: unknown): Call<N> {
    const { tenant, apiKey, path, body, bytes, query, idempotencyKey } = request
    const caller = { tenant, apiKey, caps: noCaps } as unknown as AuthenticatedCaller
    const call = { method: 'POST', path, caller, params, query, body, bytes, idempotencyKey, signature: this.#verified(request) }
    return call as unknown as Call<N>
  }

  /** What the gateway's verifier leaves of a signed request. */
  #verified({ signed, path, bytes, idempotencyKey }: MerchantRequest): object | undefined {
    if (signed === undefined) return undefined
    const message = { method: 'POST', host, target: path, body: bytes, idempotencyKey, field: (name: string) => signed.get(name) }
    const reading = readSignature(message, this.#machine.clock.nowMs())
    if (!reading.ok) throw new Fault('access/signature_refused', reading.reason)
    const { keyId, nonce, createdS, base, signature } = reading.stated
    return { keyId, nonce, createdS, proof: { base, signature } }
  }
}

/** Nobody writes rows here but the code. */
function bug(_: unknown, kind: string, id: string): never {
  throw new Error(`${kind} ${id} has no form`)
}
