import { jsonType, type Answer } from '../http/answer.ts'
import type { Call } from '../http/call.ts'
import { answerOutcome } from '../idempotency/answer-outcome.ts'
import { idempotencyMarks } from '../idempotency/marks.ts'
import { collect, type CollectPorts } from './collect.ts'

/**
 * Accepts a payment that a merchant asks for.
 * @throws Fault `request/invalid`, `networks/in_maintenance`, `access/cap_exceeded`, `idempotency/key_reused`, `idempotency/in_flight`, `custodian/unavailable`,
 * `store/unavailable`
 */
export async function createPayment(ports: CollectPorts, call: Call<'createPayment'>): Promise<Answer> {
  const marks = idempotencyMarks(ports.idempotencySecret, call.caller.tenant, { ...call, key: call.idempotencyKey })
  const { outcome, row, order, answer } = await collect(ports, call.caller, call.body, marks)
  if (outcome.kind === 'checkout_not_open') throw new TypeError('a payment of no session')
  return answerOutcome(outcome, {
    ...answer, contentType: jsonType, headers: ['location', `/v1/payments/${row.id}`],
    payment: { money: order.money, payer: call.body.payer.phone },
  })
}
