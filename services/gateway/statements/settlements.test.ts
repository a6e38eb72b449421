import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { settlementPageSchema, settlementSchema } from '@ngome/contracts'
import { systemClock, systemRandom, type SettlementId } from '@ngome/kernel'
import { closeLedgerDays, endSettlement, settleDay } from '@ngome/store'
import { ageLedger, Purse } from '@ngome/testkit'
import { problemIn } from '../testing/problem-in.ts'
import { TestGateway, type TestMerchant } from '../testing/test-gateway.ts'

const from = { clock: systemClock, random: systemRandom }

let running: TestGateway
let merchant: TestMerchant
const made: SettlementId[] = []
before(async () => {
  running = await TestGateway.start()
  merchant = await running.addMerchant()
  await ageLedger(running.database, 3)
  const dispatcher = running.database.open('ngome_dispatcher', { poolMax: 1 })
  const operator = running.database.open('ngome_operator', { poolMax: 1 })
  const purse = await Purse.of(merchant.tenant, running.database.open('ngome_gateway', { poolMax: 1 }), dispatcher)
  await purse.move(1_250n)
  await purse.move(700n, { currency: 'UGX' })
  await closeLedgerDays({ db: dispatcher, ...from }, 'UTC')
  for (const currency of ['EUR', 'UGX'] as const) {
    const settled = await settleDay(operator, { ...from, process: 'operator' }, merchant.tenant, { currency, minimumMinor: 0n }, () => null)
    assert.ok(settled.kind === 'settled', settled.kind)
    made.push(settled.settlement)
  }
  await endSettlement(operator, from, merchant.tenant, made[0] ?? assert.fail(), { state: 'paid', bankReference: 'FT-77' }, () => null)
  await endSettlement(operator, from, merchant.tenant, made[1] ?? assert.fail(), { state: 'failed', failure: 'account closed' }, () => null)
})
after(() => running.close())

const get = (path: string, as = merchant) => as.client.call({ path })

test('a merchant reads what was settled, with the bank\u2019s word or why it did not pay', async () => {
  const [paid, failed] = await Promise.all(made.map(async (id) => settlementSchema.parse(JSON.parse((await get(`/v1/settlements/${id}`)).text))))
  assert.deepEqual([paid?.status, paid?.amount, paid?.bank_reference, paid?.failure], ['paid', '12.50', 'FT-77', null])
  assert.deepEqual([failed?.status, failed?.amount, failed?.currency, failed?.bank_reference, failed?.failure], ['failed', '700', 'UGX', null, 'account closed'])
})

test('a merchant lists settlements by status, page by page, with a cursor that is good for that alone', async () => {
  const page = async (query: string) => settlementPageSchema.parse(JSON.parse((await get(`/v1/settlements?${query}`)).text))
  const first = await page('limit=1')
  assert.deepEqual([first.data.length, first.data[0]?.id], [1, made[1]])
  const second = await page(`limit=1&cursor=${first.next_cursor}`)
  assert.deepEqual([second.data.map(({ id }) => id), second.next_cursor], [[made[0]], null])
  assert.deepEqual((await page('status=paid')).data.map(({ id }) => id), [made[0]])
  assert.equal((await get(`/v1/settlements?status=paid&cursor=${first.next_cursor}`)).status, 422)
  assert.equal((await get('/v1/settlements?status=gone')).status, 422)
})

test('another merchant\u2019s settlement is unknown, as one that never was', async () => {
  const other = await running.addMerchant()
  for (const id of [made[0] ?? '', 'stl_01jd0000000000000000000000', 'stl_x', 'pay_01jd0000000000000000000000']) {
    const answer = await get(`/v1/settlements/${id}`, other)
    assert.deepEqual([answer.status, problemIn(answer).code], [404, 'settlements/unknown'], id)
  }
  assert.deepEqual(settlementPageSchema.parse(JSON.parse((await get('/v1/settlements', other)).text)).data, [])
})
