import { emit, type Authorization, type Event, type PaymentDirection, type SealedPayment } from '@ngome/contracts'
import { Fault, newId, type Clock, type Id, type IdKind, type PaymentId, type Random, type Secret, type Tenant } from '@ngome/kernel'
import { firstEvent, proveEvent } from '@ngome/payments'
import type { Acceptance, AcceptanceOutcome, ApprovalParty, IdempotentOutcome, NewCheckoutTry, PaymentRow, PaymentStore } from '@ngome/store'
import { authorizePayment, dayTotalReached } from '../access/authorize-payment.ts'
import type { AuthenticatedCaller } from '../http/call.ts'
import type { DataKeys } from '../keys/data-keys.ts'
import { seal } from '../keys/seal.ts'
import type { NetworkBoard } from '../networks/network-board.ts'
import type { Networks, Order } from './order.ts'

export type PlaceOrderPorts = {
  readonly payments: Pick<PaymentStore, 'acceptPayment'>
  readonly dataKeys: Pick<DataKeys, 'current'>
  readonly networks: Networks
  readonly board: Pick<NetworkBoard, 'look'>
  readonly idempotencySecret: Secret<Uint8Array>
  /** Shared with the dispatcher, which tells of no event without the proof. */
  readonly eventSecret: Secret<Uint8Array>
  readonly clock: Clock
  readonly random: Random
}

/** For whom: who asked, or whose link was used. */
export type Orderer = Pick<AuthenticatedCaller, 'tenant' | 'apiKey' | 'caps'>

/** An order with all that is kept of it. */
export type PlacedOrder = Omit<Order, 'callingCode'> & {
  /** `null` of a refund: the gateway has sealed its collection's, and cannot read it. */
  readonly phone: string | null
  readonly phoneMasked: string
  /** In place of a phone, of a collection by card; its mask stands where a phone's does. */
  readonly card?: NonNullable<SealedPayment['card']>
  readonly reference: string
  readonly description: string | null
  /** Of what goes out: the merchant's own word for it. */
  readonly authorization?: Authorization
  /** Of a payout that needs a second person: who asks for one. */
  readonly askedBy?: ApprovalParty
  /** Of a batch's row, in place of that: where it stands in the part that its merchant signed. */
  readonly orderedIn?: NonNullable<SealedPayment['ordered_in']>
  /** The collection that a refund gives back. */
  readonly original?: Id<'payment'>
  /** Of a payment that a session becomes: which try of which session it is. */
  readonly checkout?: ((payment: PaymentId) => NewCheckoutTry) | undefined
}

/** What came of it, the row as it was accepted, and what a repetition of the request gets. */
export type Placed = {
  readonly outcome: IdempotentOutcome | { readonly kind: 'checkout_not_open' }
  readonly row: PaymentRow
  readonly answer: Acceptance['idempotency']['answer']
}

const idKinds = { collection: 'payment', payout: 'payout', refund: 'refund' } as const satisfies Readonly<Record<PaymentDirection, IdKind>>

/**
 * Accepts an order: everything that its network needs is sealed together before anything is written, and all that is
 * written is one transaction with the claim of its idempotency key.
 * @param marks of the request, or of the form that a payer sent
 * @throws Fault `access/cap_exceeded`, `payments/insufficient_funds`, `payments/not_refundable`, `payments/refund_exceeds`,
 * `custodian/unavailable`, `store/unavailable`
 */
export async function placeOrder(
  ports: PlaceOrderPorts, caller: Orderer, order: PlacedOrder, marks: Omit<Acceptance['idempotency'], 'answer'>, view: (row: PaymentRow) => object,
): Promise<Placed> {
  const { tenant, apiKey } = caller
  const dayTotal = authorizePayment(caller, order)
  const row = newRow(ports, tenant, order)
  const record = await seal(
    ports, 'payment', { tenant, table: 'payments', recordId: row.id, dataClass: 'restricted', version: 1 }, toSeal(tenant, order),
  )
  const answer = { status: 201, body: JSON.stringify(view(row)) }
  const outcome = await ports.payments.acceptPayment({
    tenant,
    payment: { ...row, money: order.money, apiKey, dataKey: record.dataKey, sealed: record.blob },
    dayTotal,
    eventProof: proveEvent(ports.eventSecret, firstEvent(row)),
    event: acceptedEvent(ports, row, order.authorization),
    idempotency: { ...marks, answer },
    askedBy: order.askedBy,
    ...order.checkout === undefined ? {} : { checkout: order.checkout(row.id) },
  })
  if (outcome.kind === 'day_total_reached') {
    throw dayTotalReached(apiKey, { currency: order.money.currency, amountMinor: dayTotal?.atMostMinor ?? 0n })
  }
  return { outcome: taken(outcome, row), row, answer }
}

/** @throws Fault `payments/insufficient_funds`, `payments/not_refundable`, `payments/refund_exceeds` */
function taken(outcome: Exclude<AcceptanceOutcome, { kind: 'day_total_reached' }>, row: PaymentRow): Placed['outcome'] {
  switch (outcome.kind) {
    case 'not_covered': {
      const field = { pointer: '/amount', detail: 'This and its fee are more than you can take now.' }
      throw new Fault('payments/insufficient_funds', `${row.id} is not covered`, { fields: [field] })
    }
    case 'not_refundable':
      throw new Fault('payments/not_refundable', `${row.original} has nothing to give back`)
    case 'refund_exceeds': {
      const field = { pointer: '/amount', detail: 'This is more than is left of the payment, without what other refunds give back.' }
      throw new Fault('payments/refund_exceeds', `${row.original} has less left`, { fields: [field] })
    }
    default:
      return outcome
  }
}

function acceptedEvent(ports: PlaceOrderPorts, { id, direction, status, tenant }: PaymentRow, authorization: Authorization | undefined): Event {
  const from = { ...ports, process: 'gateway' as const }
  if (direction === 'collection') return emit(from, 'payment.accepted', tenant, { payment: id, status })
  if (authorization === undefined) throw new TypeError('nothing goes out that no merchant signed')
  if (status === 'awaiting_approval') return emit(from, 'payout.awaiting_approval', tenant, { payment: id, status, signed_with: authorization.key })
  return emit(from, direction === 'payout' ? 'payout.accepted' : 'refund.accepted', tenant, { payment: id, status, signed_with: authorization.key })
}

/** The row that an order becomes. */
export function newRow(ports: PlaceOrderPorts, tenant: Tenant, order: PlacedOrder): PaymentRow {
  const createdAtMs = ports.clock.nowMs()
  // One moment: lists find a payment's time by its id.
  const clock = { nowMs: () => createdAtMs }
  return {
    id: newId(idKinds[order.direction], { ...ports, clock }) satisfies PaymentId,
    tenant,
    status: order.askedBy === undefined ? 'accepted' : 'awaiting_approval',
    failure: null,
    direction: order.direction,
    network: order.network,
    currency: order.money.currency,
    amountMinor: order.money.amountMinor,
    feeMinor: order.feeMinor,
    reference: order.reference,
    payerMasked: order.phoneMasked,
    original: order.original ?? null,
    createdAtMs,
    updatedAtMs: createdAtMs,
  }
}

/** What its network needs of an order, and what proves it. */
export function toSeal(tenant: Tenant, order: PlacedOrder): Uint8Array {
  const sealed: SealedPayment = {
    ...order.phone === null ? {} : { payer: { phone: order.phone } },
    ...order.card === undefined ? {} : { card: order.card },
    amount_minor: order.money.amountMinor.toString(),
    currency: order.money.currency,
    direction: order.direction,
    network: order.network,
    payee: tenant.merchant,
    description: order.description,
    reference: order.reference,
    fee_minor: order.feeMinor.toString(),
    ...order.original === undefined ? {} : { original: order.original },
    ...order.authorization === undefined ? {} : { authorization: order.authorization },
    ...order.orderedIn === undefined ? {} : { ordered_in: order.orderedIn },
  }
  return Buffer.from(JSON.stringify(sealed), 'utf8')
}
