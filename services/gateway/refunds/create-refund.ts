import { Fault, parseMoney, parseId, type Id } from '@ngome/kernel'
import { refundView } from '@ngome/payments'
import type { PaymentRow } from '@ngome/store'
import { jsonType, type Answer } from '../http/answer.ts'
import type { Call } from '../http/call.ts'
import { answerOutcome } from '../idempotency/answer-outcome.ts'
import { idempotencyMarks } from '../idempotency/marks.ts'
import { assertOpen } from '../networks/route-order.ts'
import { authorizationOf } from '../payments/authorization.ts'
import { feeFor, invalid, noAmount } from '../payments/order.ts'
import type { PaymentReader } from '../payments/payment-reader.ts'
import { placeOrder, type PlacedOrder, type PlaceOrderPorts } from '../payments/place-order.ts'

/**
 * Accepts a refund of a collection, all or a part: to its payer, by its network. Whether there is so much left, and whether it came
 * at all, is decided where it is written, so that two who refund at once see each other.
 * @throws Fault `payments/unknown`, `payments/not_refundable`, `payments/refund_exceeds`, `payments/insufficient_funds`,
 * `request/invalid`, `networks/in_maintenance`, `access/cap_exceeded`, `access/signature_required`, `idempotency/key_reused`, `idempotency/in_flight`,
 * `custodian/unavailable`, `store/unavailable`
 */
export async function createRefund(ports: PlaceOrderPorts & { readonly reader: PaymentReader }, call: Call<'createRefund'>): Promise<Answer> {
  const { caller, body: { reference, description = null }, params: { id } } = call
  const row = await ports.reader.find(caller.tenant, id)
  const payment = row === undefined ? undefined : parseId('payment', row.id)
  if (row === undefined || payment === undefined) throw new Fault('payments/unknown', `no ${id} for this tenant`)
  await assertOpen(ports, caller.tenant.world, row.network)
  const { outcome, row: refund, answer } = await placeOrder(ports, caller, {
    ...refundOf(ports, row, payment, call.body), reference, description, authorization: authorizationOf(call),
  }, idempotencyMarks(ports.idempotencySecret, caller.tenant, { ...call, key: call.idempotencyKey }), refundView)
  if (outcome.kind === 'checkout_not_open') throw new TypeError('a refund of a session')
  return answerOutcome(outcome, { ...answer, contentType: jsonType, headers: ['location', `/v1/refunds/${refund.id}`] })
}

/** What the collection says of a refund, and what its network takes for one. */
function refundOf(
  ports: PlaceOrderPorts, { network: name, currency, payerMasked }: PaymentRow, original: Id<'payment'>,
  asked: Call<'createRefund'>['body'],
): Omit<PlacedOrder, 'reference' | 'description'> {
  const network = Object.hasOwn(ports.networks, name) ? ports.networks[name] : undefined
  if (network === undefined || !network.directions.includes('refund')) throw new Fault('payments/not_refundable', `${name} takes no refunds`)
  const money = parseMoney(asked.amount, currency)
  const isOther = asked.currency !== undefined && asked.currency !== currency
  if (money === undefined || isOther) {
    throw invalid([...isOther ? [{ pointer: '/currency', detail: 'The payment was in another currency.' }] : [], ...money === undefined ? [noAmount] : []])
  }
  return { direction: 'refund', money, feeMinor: feeFor(network, 'refund', money), network: name, phone: null, phoneMasked: payerMasked, original }
}
