import { emit, movementNouns, type PaymentDirection } from '@ngome/contracts'
import { Fault, type FaultCode, type PaymentId } from '@ngome/kernel'
import { paymentView, payoutView, proveNextEvent, refundView } from '@ngome/payments'
import type { PaymentRow, PaymentStore } from '@ngome/store'
import { askedBy } from '../api-keys/asked-by.ts'
import { jsonType, type Answer } from '../http/answer.ts'
import type { Call } from '../http/call.ts'
import { refuseBody } from '../http/refuse-body.ts'
import type { PlaceOrderPorts } from './place-order.ts'

export type CancelPorts = Pick<PlaceOrderPorts, 'eventSecret' | 'clock' | 'random'> & { readonly payments: Pick<PaymentStore, 'withdrawPayment'> }

type Cancelling = Pick<Call<'cancelPayment'>, 'caller' | 'bytes' | 'signature'> & { readonly params: { readonly id: PaymentId } }
type Kind = { readonly direction: PaymentDirection; readonly unknown: FaultCode; readonly view: (row: PaymentRow) => object }

/** @throws Fault `payments/unknown`, `payments/not_cancellable`, `request/invalid` for a body, `store/unavailable` */
export function cancelPayment(ports: CancelPorts, call: Call<'cancelPayment'>): Promise<Answer> {
  return cancel(ports, call, { direction: 'collection', unknown: 'payments/unknown', view: paymentView })
}

/** @throws Fault `payouts/unknown`, and what {@link cancelPayment} does */
export function cancelPayout(ports: CancelPorts, call: Call<'cancelPayout'>): Promise<Answer> {
  return cancel(ports, call, { direction: 'payout', unknown: 'payouts/unknown', view: payoutView })
}

/** @throws Fault `refunds/unknown`, and what {@link cancelPayment} does */
export function cancelRefund(ports: CancelPorts, call: Call<'cancelRefund'>): Promise<Answer> {
  return cancel(ports, call, { direction: 'refund', unknown: 'refunds/unknown', view: refundView })
}

/**
 * Takes back what nothing was sent for yet. Cancelling again says the same, so that it needs no idempotency key. What it counted towards
 * the day of its key stays counted: a thief who orders and cancels gets no second try at the cap.
 */
async function cancel(ports: CancelPorts, call: Cancelling, { direction, unknown, view }: Kind): Promise<Answer> {
  refuseBody(call)
  const { caller: { tenant }, params: { id } } = call
  const outcome = await ports.payments.withdrawPayment(tenant, {
    payment: id,
    to: { status: 'cancelled' },
    atMs: ports.clock.nowMs(),
    event: emit({ ...ports, process: 'gateway' }, `${movementNouns[direction]}.cancelled`, tenant, { payment: id, status: 'cancelled', ...askedBy(call) }),
    prove: (event, previous) => proveNextEvent(ports.eventSecret, event, previous),
  })
  switch (outcome.kind) {
    case 'unknown':
      throw new Fault(unknown, `no ${id} for this tenant`)
    case 'too_late':
      throw new Fault('payments/not_cancellable', `${id} is ${outcome.row.status}`)
    case 'withdrawn':
      return { status: 200, contentType: jsonType, body: JSON.stringify(view(outcome.row)) }
    default:
      return outcome satisfies never
  }
}
