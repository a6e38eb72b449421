import { emit, type CreatePayment, type SealedPayment } from '@ngome/contracts'
import { newId, type Clock, type PaymentId, type Random, type Secret, type Tenant } from '@ngome/kernel'
import { firstEvent, maskPhone, paymentView, proveEvent } from '@ngome/payments'
import { acceptPayment, type Acceptance, type Database, type IdempotentOutcome, type NewCheckoutTry, type PaymentRow } from '@ngome/store'
import { authorizePayment, dayTotalReached } from '../access/authorize-payment.ts'
import type { AuthenticatedCaller } from '../http/call.ts'
import type { DataKeys } from '../keys/data-keys.ts'
import { seal } from '../keys/seal.ts'
import { checkOrder, type Networks, type Order } from './order.ts'

export type CollectPorts = {
  readonly database: Database
  readonly dataKeys: DataKeys
  readonly networks: Networks
  readonly idempotencySecret: Secret<Uint8Array>
  /** Shared with the dispatcher, which tells of no event without the proof. */
  readonly eventSecret: Secret<Uint8Array>
  readonly clock: Clock
  readonly random: Random
}

/** For whom: who asked, or whose link was used. */
export type Collector = Pick<AuthenticatedCaller, 'tenant' | 'apiKey' | 'caps'>

/** What came of it, the payment as it was accepted, and what a repetition of the request gets. */
export type Collected = {
  readonly outcome: IdempotentOutcome | { readonly kind: 'checkout_not_open' }
  readonly row: PaymentRow
  readonly order: Order
  readonly answer: Acceptance['idempotency']['answer']
}

/**
 * Accepts a payment that somebody is asked for: everything that its network needs is sealed together before anything is written,
 * and all that is written is one transaction with the claim of its idempotency key.
 * @param marks of the request, or of the form that a payer sent
 * @param checkout of the payment that it becomes: which try of which session it is
 * @throws Fault `request/invalid`, `access/cap_exceeded`, `custodian/unavailable`, `store/unavailable`
 */
export async function collect(
  ports: CollectPorts, caller: Collector, body: CreatePayment, marks: Omit<Acceptance['idempotency'], 'answer'>,
  checkout?: (payment: PaymentId) => NewCheckoutTry,
): Promise<Collected> {
  const { tenant, apiKey } = caller
  const order = checkOrder(ports.networks, tenant.world, body)
  const dayTotal = authorizePayment(caller, order)
  const row = newPayment(ports, tenant, order, body)
  const record = await seal(
    ports, 'payment', { tenant, table: 'payments', recordId: row.id, dataClass: 'restricted', version: 1 },
    toSeal(tenant, order, body),
  )
  const answer = { status: 201, body: JSON.stringify(paymentView(row)) }
  const outcome = await acceptPayment(ports.database, {
    tenant,
    payment: { ...row, money: order.money, apiKey, dataKey: record.dataKey, sealed: record.blob },
    dayTotal,
    eventProof: proveEvent(ports.eventSecret, firstEvent(row)),
    event: emit({ ...ports, process: 'gateway' }, 'payment.accepted', tenant, { payment: row.id, status: row.status }),
    idempotency: { ...marks, answer },
    ...checkout === undefined ? {} : { checkout: checkout(row.id) },
  })
  if (outcome.kind === 'day_total_reached') {
    throw dayTotalReached(apiKey, { currency: order.money.currency, amountMinor: dayTotal?.atMostMinor ?? 0n })
  }
  if (outcome.kind === 'not_covered' || outcome.kind === 'not_refundable' || outcome.kind === 'refund_exceeds') {
    throw new TypeError('a collection takes nothing')
  }
  return { outcome, row, order, answer }
}

function newPayment(ports: CollectPorts, tenant: Tenant, order: Order, body: CreatePayment): PaymentRow {
  const createdAtMs = ports.clock.nowMs()
  return {
    id: newId('payment', ports) satisfies PaymentId,
    tenant,
    status: 'accepted',
    failure: null,
    direction: 'collection',
    network: order.network,
    currency: order.money.currency,
    amountMinor: order.money.amountMinor,
    feeMinor: order.feeMinor,
    reference: body.reference,
    payerMasked: maskPhone(body.payer.phone, order.callingCode),
    original: null,
    createdAtMs,
    updatedAtMs: createdAtMs,
  }
}

function toSeal(tenant: Tenant, order: Order, body: CreatePayment): Uint8Array {
  const sealed: SealedPayment = {
    payer: { phone: body.payer.phone },
    amount_minor: order.money.amountMinor.toString(),
    currency: order.money.currency,
    direction: 'collection',
    network: order.network,
    payee: tenant.merchant,
    description: body.description ?? null,
    reference: body.reference,
    fee_minor: order.feeMinor.toString(),
  }
  return Buffer.from(JSON.stringify(sealed), 'utf8')
}
