import { jsonType, type Answer } from '../http/answer.ts'
import type { Call } from '../http/call.ts'
import { answerOutcome } from '../idempotency/answer-outcome.ts'
import { idempotencyMarks } from '../idempotency/marks.ts'
import { collectByCard, type CardPorts } from './collect-by-card.ts'
import { collect, type CollectPorts } from './collect.ts'
import { invalid } from './order.ts'

/**
 * Accepts a payment that a merchant asks for.
 * @throws Fault `request/invalid`, `vault/token_pending`, `networks/in_maintenance`, `access/cap_exceeded`, `idempotency/key_reused`, `idempotency/in_flight`, `custodian/unavailable`,
 * `store/unavailable`
 */
export async function createPayment(ports: CollectPorts & { readonly cards: CardPorts }, call: Call<'createPayment'>): Promise<Answer> {
  const marks = idempotencyMarks(ports.idempotencySecret, call.caller.tenant, { ...call, key: call.idempotencyKey })
  const { payer, return_url: _, ...rest } = call.body
  const { outcome, row, order, answer } = payer.card !== undefined
    ? await collectByCard(ports, call.caller, call.body, marks)
    : await collect(ports, call.caller, { ...rest, payer: { phone: phoneOf(call.body) } }, marks)
  if (outcome.kind === 'checkout_not_open') throw new TypeError('a payment of no session')
  return answerOutcome(outcome, {
    ...answer, contentType: jsonType, headers: ['location', `/v1/payments/${row.id}`],
    payment: { money: order.money, payer: payer.phone ?? payer.card ?? '' },
  })
}

/** @throws Fault `request/invalid` where there is none, or what belongs to a card stands beside it */
function phoneOf({ payer, return_url: returnUrl }: Call<'createPayment'>['body']): string {
  if (payer.phone === undefined) throw invalid([{ pointer: '/payer/phone', detail: 'A payer has a phone or a card.' }])
  if (payer.card_expiry !== undefined) throw invalid([{ pointer: '/payer/card_expiry', detail: 'Only a card has an expiry.' }])
  if (returnUrl !== undefined) throw invalid([{ pointer: '/return_url', detail: 'Who pays by phone is sent nowhere.' }])
  return payer.phone
}
