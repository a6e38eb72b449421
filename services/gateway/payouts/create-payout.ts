import { maskPhone, needsApproval, payoutView, type ApprovalRules } from '@ngome/payments'
import { jsonType, type Answer } from '../http/answer.ts'
import type { Call } from '../http/call.ts'
import { answerOutcome } from '../idempotency/answer-outcome.ts'
import { idempotencyMarks } from '../idempotency/marks.ts'
import { authorizationOf } from '../payments/authorization.ts'
import { routeAndCheck } from '../networks/route-order.ts'
import { placeOrder, type PlaceOrderPorts } from '../payments/place-order.ts'
import { partyOf } from './decide-payout.ts'

/**
 * Accepts a payout: the merchant's signature is sealed with what it is for. Over the operator's limit it waits for a second person.
 * @throws Fault `request/invalid`, `networks/in_maintenance`, `access/cap_exceeded`, `access/signature_required`, `payments/insufficient_funds`,
 * `idempotency/key_reused`, `idempotency/in_flight`, `custodian/unavailable`, `store/unavailable`
 */
export async function createPayout(ports: PlaceOrderPorts & { readonly approvals: ApprovalRules }, call: Call<'createPayout'>): Promise<Answer> {
  const { caller, body: { payee: { phone }, reference, description = null, ...asked } } = call
  const order = await routeAndCheck(ports, caller, { ...asked, direction: 'payout', phone: { number: phone, pointer: '/payee/phone' } })
  const { outcome, row, answer } = await placeOrder(ports, caller, {
    ...order, phone, phoneMasked: maskPhone(phone, order.callingCode), reference, description, authorization: authorizationOf(call),
    ...needsApproval(ports.approvals, order.money) ? { askedBy: partyOf(caller, call.signature) } : {},
  }, idempotencyMarks(ports.idempotencySecret, caller.tenant, { ...call, key: call.idempotencyKey }), payoutView)
  if (outcome.kind === 'checkout_not_open') throw new TypeError('a payout of a session')
  return answerOutcome(outcome, {
    ...answer, contentType: jsonType, headers: ['location', `/v1/payouts/${row.id}`], payment: { money: order.money, payer: phone },
  })
}
