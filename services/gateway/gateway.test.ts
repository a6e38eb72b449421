import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { TestGateway, type TestMerchant } from './testing/test-gateway.ts'

let running: TestGateway
let merchant: TestMerchant

before(async () => {
  running = await TestGateway.start()
  merchant = await running.addMerchant()
})
after(() => running.close())

const order = {
  amount: '5.00', currency: 'EUR', network: 'mtn-sandbox', payer: { phone: '+46733123499' }, reference: 'order-42',
  description: 'Two chapati',
}

test('a payment is accepted, masked, and read back', async () => {
  const created = await merchant.client.call({ method: 'POST', path: '/v1/payments', body: order, idempotencyKey: 'a-1' })
  assert.equal(created.status, 201, created.text)
  const payment = JSON.parse(created.text) as { id: string; payer: { phone: string } }
  assert.equal(payment.payer.phone, '+46•••499')
  const read = await merchant.client.call({ path: `/v1/payments/${payment.id}` })
  assert.equal(read.status, 200, read.text)
  assert.deepEqual(JSON.parse(read.text), payment)
})
