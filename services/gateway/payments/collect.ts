import type { CreatePayment } from '@ngome/contracts'
import type { PaymentId } from '@ngome/kernel'
import { maskPhone, paymentView } from '@ngome/payments'
import type { Acceptance, NewCheckoutTry } from '@ngome/store'
import { routeAndCheck } from '../networks/route-order.ts'
import type { Order } from './order.ts'
import { placeOrder, type Orderer, type Placed, type PlaceOrderPorts } from './place-order.ts'

export type CollectPorts = PlaceOrderPorts
/** What a payer with a phone is asked for. */
export type PhonePayment = Omit<CreatePayment, 'payer' | 'return_url'> & { readonly payer: { readonly phone: string } }

/**
 * Accepts a payment that somebody is asked for.
 * @param marks of the request, or of the form that a payer sent
 * @param checkout of the payment that it becomes: which try of which session it is
 * @throws Fault `request/invalid`, `networks/in_maintenance`, `access/cap_exceeded`, `custodian/unavailable`, `store/unavailable`
 */
export async function collect(
  ports: CollectPorts, caller: Orderer, body: PhonePayment, marks: Omit<Acceptance['idempotency'], 'answer'>,
  checkout?: (payment: PaymentId) => NewCheckoutTry,
): Promise<Placed & { readonly order: Order }> {
  const { payer: { phone }, reference, description = null, ...asked } = body
  const wanted = { ...asked, direction: 'collection', phone: { number: phone, pointer: '/payer/phone' } } as const
  const order = await routeAndCheck(ports, caller, wanted)
  const placed = await placeOrder(
    ports, caller, { ...order, phone, phoneMasked: maskPhone(phone, order.callingCode), reference, description, checkout }, marks, paymentView,
  )
  return { ...placed, order }
}
