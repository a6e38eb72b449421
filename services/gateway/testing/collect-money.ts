import assert from 'node:assert/strict'
import { paymentSchema, type PaymentView } from '@ngome/contracts'
import type { PaymentId } from '@ngome/kernel'
import type { TestGateway, TestMerchant } from './test-gateway.ts'

let serial = 0

/** Collects a payment and lets it succeed, as the dispatcher would: what is there afterwards can be taken. */
export async function collectMoney(
  running: TestGateway, { client }: TestMerchant, order: { readonly amount: string; readonly network?: string; readonly currency?: string; readonly phone?: string },
): Promise<PaymentView> {
  const { amount, network = 'mtn-sandbox', currency = 'EUR', phone = '+46733198765' } = order
  const answer = await client.call({
    method: 'POST', path: '/v1/payments', idempotencyKey: `collect-${++serial}`,
    body: { amount, currency, network, payer: { phone }, reference: 'collected' },
  })
  assert.equal(answer.status, 201, answer.text)
  const payment = paymentSchema.parse(JSON.parse(answer.text))
  await endMovement(running, payment.id, 'succeeded')
  return payment
}

/** Brings a movement that was accepted to its end, with its transfers. */
export async function endMovement(running: TestGateway, id: PaymentId, status: 'succeeded' | 'failed'): Promise<void> {
  await running.database.asAdmin(`UPDATE ngome.payments SET status = 'processing' WHERE id = $1`, [id])
  await running.database.asAdmin('UPDATE ngome.payments SET status = $2, failure = $3 WHERE id = $1',
    [id, status, status === 'failed' ? 'network_refused' : null])
  await running.database.asAdmin(`INSERT INTO ngome.transfers (merchant, world, payment, kind, phase, debit_account, credit_account, debit_kind,
      credit_kind, amount_minor, currency, at)
    SELECT merchant, world, payment, kind, $2, debit_account, credit_account, debit_kind, credit_kind, amount_minor, currency, now()
    FROM ngome.transfers WHERE payment = $1 AND NOT is_end`, [id, status === 'succeeded' ? 'posted' : 'voided'])
}
