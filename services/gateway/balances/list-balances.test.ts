import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { balancesSchema, type BalanceView } from '@ngome/contracts'
import type { PaymentId } from '@ngome/kernel'
import { Purse } from '@ngome/testkit'
import { TestGateway, type TestMerchant } from '../testing/test-gateway.ts'

let running: TestGateway
let merchant: TestMerchant

before(async () => {
  running = await TestGateway.start()
  merchant = await running.addMerchant()
})
after(() => running.close())

async function balancesOf({ client }: TestMerchant): Promise<readonly BalanceView[]> {
  const answer = await client.call({ path: '/v1/balances' })
  assert.equal(answer.status, 200, answer.text)
  return balancesSchema.parse(JSON.parse(answer.text)).data
}

const collect = async (amount: string, as = merchant): Promise<PaymentId> => {
  const answer = await as.client.call({
    method: 'POST', path: '/v1/payments', idempotencyKey: `b-${amount}`,
    body: { amount, currency: 'EUR', network: 'mtn-sandbox', payer: { phone: '+46733198765' }, reference: 'order-42' },
  })
  assert.equal(answer.status, 201, answer.text)
  return (JSON.parse(answer.text) as { id: PaymentId }).id
}

test('a merchant without payments has no balances', async () => {
  assert.deepEqual(await balancesOf(await running.addMerchant()), [])
})

test('what payers were asked for is pending; what they paid is available; what was voided is neither', async () => {
  const [paid, refused] = [await collect('5.00'), await collect('2.50')]
  await collect('1.25')
  const balance = { object: 'balance', world: 'test', currency: 'EUR', reserved: '0.00', owed: '0.00' } as const
  assert.deepEqual(await balancesOf(merchant), [{ ...balance, available: '0.00', pending: '8.75' }])
  const { database } = running
  const purse = await Purse.of(merchant.tenant, database.open('ngome_gateway', { poolMax: 1 }), database.open('ngome_dispatcher', { poolMax: 1 }))
  await purse.end(paid, 'succeeded')
  await purse.end(refused, 'failed')
  assert.deepEqual(await balancesOf(merchant), [{ ...balance, available: '5.00', pending: '1.25' }])
})

test('nobody sees another merchant\u2019s', async () => {
  assert.deepEqual(await balancesOf(await running.addMerchant()), [])
})
