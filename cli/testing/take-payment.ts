import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { paymentSchema, type PaymentView } from '@ngome/contracts'
import type { MerchantClient } from '@ngome/testkit'

/** A payment from acceptance to its end takes a second or two; past this it is stuck. */
const endMsMax = 60_000

/** Takes a payment that the sandbox's payer approves. */
export async function takePayment(client: MerchantClient): Promise<PaymentView> {
  const answer = await client.call({
    method: 'POST', path: '/v1/payments', idempotencyKey: randomUUID(),
    body: { amount: '5.00', currency: 'EUR', network: 'mtn-sandbox', payer: { phone: '+46733123499' }, reference: 'order-1' },
  })
  assert.equal(answer.status, 201, answer.text)
  return paymentSchema.parse(JSON.parse(answer.text))
}

/** Waits until the payment has ended. */
export async function paymentEnd(client: MerchantClient, id: string): Promise<PaymentView> {
  for (let waitedMs = 0; ; waitedMs += 100) {
    const answer = await client.call({ path: `/v1/payments/${id}` })
    assert.equal(answer.status, 200, answer.text)
    const payment = paymentSchema.parse(JSON.parse(answer.text))
    if (payment.status === 'succeeded' || payment.status === 'failed' || waitedMs > endMsMax) return payment
    await sleep(100)
  }
}
