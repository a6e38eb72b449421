import { emit, type CreatePayment, type SealedPayment } from '@ngome/contracts'
import { newId, type Clock, type PaymentId, type Random, type Secret, type Tenant } from '@ngome/kernel'
import { maskPhone, paymentView } from '@ngome/payments'
import { acceptPayment, type Database, type PaymentRow } from '@ngome/store'
import { authorizePayment, dayTotalReached } from '../access/authorize-payment.ts'
import { jsonType, type Answer } from '../http/answer.ts'
import type { Call } from '../http/call.ts'
import { answerOutcome } from '../idempotency/answer-outcome.ts'
import { idempotencyMarks } from '../idempotency/marks.ts'
import type { DataKeys } from '../keys/data-keys.ts'
import { seal } from '../keys/seal.ts'
import { checkOrder, type Networks, type Order } from './order.ts'

export type CreatePaymentPorts = {
  readonly database: Database
  readonly dataKeys: DataKeys
  readonly networks: Networks
  readonly idempotencySecret: Secret<Uint8Array>
  readonly clock: Clock
  readonly random: Random
}

/**
 * Accepts a payment: everything that its network needs is sealed together before anything is written, and all that is
 * written is one transaction with the claim of its idempotency key.
 * @throws Fault `request/invalid`, `access/cap_exceeded`, `idempotency/key_reused`, `idempotency/in_flight`, `custodian/unavailable`,
 * `store/unavailable`
 */
export async function createPayment(ports: CreatePaymentPorts, call: Call<'createPayment'>): Promise<Answer> {
  const { tenant, apiKey } = call.caller
  const order = checkOrder(ports.networks, tenant.world, call.body)
  const dayTotal = authorizePayment(call.caller, order)
  const row = newPayment(ports, tenant, order, call.body)
  const record = await seal(
    ports, 'payment', { tenant, table: 'payments', recordId: row.id, dataClass: 'restricted', version: 1 },
    toSeal(tenant, order, call.body),
  )
  const answer = { status: 201, body: JSON.stringify(paymentView(row)) }
  const outcome = await acceptPayment(ports.database, {
    tenant,
    payment: { ...row, money: order.money, apiKey, dataKey: record.dataKey, sealed: record.blob },
    dayTotal,
    event: emit({ ...ports, process: 'gateway' }, 'payment.accepted', tenant, { payment: row.id, status: row.status }),
    idempotency: {
      ...idempotencyMarks(ports.idempotencySecret, tenant, { ...call, key: call.idempotencyKey }),
      answer,
    },
  })
  if (outcome.kind === 'day_total_reached') {
    throw dayTotalReached(apiKey, { currency: order.money.currency, amountMinor: dayTotal?.atMostMinor ?? 0n })
  }
  if (outcome.kind === 'not_covered' || outcome.kind === 'not_refundable' || outcome.kind === 'refund_exceeds') {
    throw new TypeError('a collection takes nothing')
  }
  return answerOutcome(outcome, {
    ...answer, contentType: jsonType, headers: ['location', `/v1/payments/${row.id}`],
    payment: { money: order.money, payer: call.body.payer.phone },
  })
}

function newPayment(ports: CreatePaymentPorts, tenant: Tenant, order: Order, body: CreatePayment): PaymentRow {
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
