import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { withAnotherSecret } from '@ngome/access'
import { emit, keyUseSchema, loggedRequestSchema, problemSchema, type KeyUse, type LoggedRequest } from '@ngome/contracts'
import { Secret, systemClock, systemRandom } from '@ngome/kernel'
import { liftRestriction } from '@ngome/store'
import { z } from 'zod'
import { TestGateway, type TestMerchant } from '../testing/test-gateway.ts'
import { writeEveryMs } from './bounds.ts'

let running: TestGateway
let owner: TestMerchant
let other: TestMerchant
const plantedPhone = '+46733987654'

before(async () => {
  running = await TestGateway.start()
  owner = await running.addMerchant()
  other = await running.addMerchant()
  const payment = { amount: '12.50', currency: 'EUR', network: 'mtn-sandbox', payer: { phone: plantedPhone }, reference: 'order-1' }
  for (const idempotencyKey of ['a', 'b', 'b']) await owner.client.call({ method: 'POST', path: '/v1/payments', body: payment, idempotencyKey })
  await owner.client.call({ path: '/v1/payments/pay_01k8z3f7q2e9d8m4n6p0r5s7tv' })
  await owner.client.call({ path: `/v1/payments/${plantedPhone.slice(1)}` })
  await owner.client.call({ path: '/v1/payments', headers: { 'user-agent': `=shop ${owner.key} ${plantedPhone}` } })
  await other.client.call({ path: '/v1/payments' })
  // The right id with another secret: everybody may know the id.
  const wrong = running.client(withAnotherSecret(new Secret(owner.key), systemRandom).expose((text) => text))
  const stranger = running.client((await running.addMerchant()).key.replace('_test_', '_live_'))
  for (let count = 0; count < 3; count++) await wrong.call({ path: '/v1/payments' })
  await stranger.call({ path: '/v1/payments' })
  await sleep(writeEveryMs + 1_500)
})
after(() => running.close())

async function read<T>(merchant: TestMerchant, path: string, schema: z.ZodType<T>): Promise<T[]> {
  const answer = await merchant.client.call({ path })
  assert.equal(answer.status, 200, answer.text)
  return z.object({ data: z.array(schema) }).parse(JSON.parse(answer.text)).data
}
const requests = (merchant: TestMerchant, query = ''): Promise<LoggedRequest[]> => read(merchant, `/v1/requests${query}`, loggedRequestSchema)
const usage = (merchant: TestMerchant, query = ''): Promise<KeyUse[]> => read(merchant, `/v1/usage${query}`, keyUseSchema)

test('a merchant sees how its key is used: requests, refusals, where from, and the payments that came of it, once each', async () => {
  const all = await usage(owner)
  const sum = (name: 'requests' | 'refused' | 'unauthenticated'): number => all.reduce((total, use) => total + use[name], 0)
  assert.deepEqual([sum('requests'), sum('refused')], [6, 2])
  const [use] = all
  assert.deepEqual(use?.payments, { EUR: { count: 2, total: '25.00' } })
  assert.deepEqual(use?.operations, { createPayment: 3, getPayment: 2, listPayments: 1 })
  assert.deepEqual([use?.addresses, use?.countries], [{ '127.0.0.1': 6 }, { unknown: 6 }])
  assert.ok((use?.latency_ms.max ?? 0) > 0)
  assert.equal((await usage(owner, '?by=minute')).reduce((total, one) => total + one.requests, 0) >= 6, true)
})

test('a merchant sees its own requests, with filters and pages, and nobody else\u2019s', async () => {
  const mine = await requests(owner)
  assert.ok(mine.every(({ key }) => key === owner.keyId))
  assert.ok((await requests(other)).every(({ key }) => key === other.keyId))
  assert.deepEqual(await requests(other, `?key=${owner.keyId}`), [])
  assert.deepEqual((await requests(owner, '?operation=createPayment&status=201')).length, 3)
  const missed = await requests(owner, '?status=404')
  assert.deepEqual(missed.map(({ operation, fault }) => [operation, fault]), [['getPayment', 'payments/unknown'], ['getPayment', 'payments/unknown']])
  const first = await owner.client.call({ path: '/v1/requests?limit=2&operation=createPayment' })
  const { next_cursor: cursor } = JSON.parse(first.text) as { next_cursor: string }
  assert.equal((await requests(owner, `?limit=2&operation=createPayment&cursor=${cursor}`)).length, 1)
  const stolen = await other.client.call({ path: `/v1/requests?limit=2&operation=createPayment&cursor=${cursor}` })
  assert.equal(problemSchema.parse(JSON.parse(stolen.text)).code, 'request/invalid')
})

test('who names a key and does not prove it is in its merchant\u2019s log, and in no count of its use', async () => {
  const refused = await requests(owner, '?status=401')
  assert.deepEqual(refused.map(({ fault, address }) => [fault, address]), Array.from({ length: 3 }, () => ['access/unauthenticated', '127.0.0.1']))
  assert.equal((await usage(owner)).reduce((total, use) => total + use.unauthenticated, 0), 3)
  assert.deepEqual(await requests(other, '?status=401'), [])
})

test('the export is CSV that no spreadsheet runs, of the merchant\u2019s own requests', async () => {
  const answer = await owner.client.call({ path: '/v1/requests/export?operation=listPayments' })
  assert.equal(answer.headers['content-type'], 'text/csv; charset=utf-8')
  const lines = answer.text.trimEnd().split('\r\n')
  assert.equal(lines[0], '"id","at","key","operation","status","fault","latency_ms","address","country","agent"')
  assert.ok(lines.some((line) => line.endsWith('"\'=shop [redacted] [redacted]"')), answer.text)
  assert.ok(!answer.text.includes(other.keyId))
})

for (const query of ['?by=second', '?from=yesterday', '?by=minute&from=2026-01-01T00:00:00Z', '?from=2026-02-01T00:00:00Z&to=2026-01-01T00:00:00Z', '?key=mer_x']) {
  test(`the usage of ${query} is refused with what is wrong`, async () => {
    const answer = await owner.client.call({ path: `/v1/usage${query.replaceAll(':', '%3A')}` })
    assert.deepEqual([answer.status, problemSchema.parse(JSON.parse(answer.text)).code], [422, 'request/invalid'])
  })
}

test('neither a payer\u2019s number nor a key lies in what is kept of requests', async () => {
  const secret = owner.key.slice(-49)
  for (const table of ['request_log', 'api_key_usage', 'api_key_usage_facets', 'api_key_alerts', 'api_key_baselines']) {
    const [row] = await running.database.asAdmin(
      `SELECT count(*)::int AS all, count(*) FILTER (WHERE t::text LIKE $1 OR t::text LIKE $2)::int AS leaking FROM ngome.${table} t`,
      [`%${plantedPhone.slice(1)}%`, `%${secret}%`])
    assert.equal(row?.['leaking'], 0, table)
    if (table === 'request_log') assert.ok(Number(row?.['all']) > 5)
  }
})

test('a key that is suspended is refused without being told to the gateway, and works again when that is lifted', { timeout: 60_000 }, async () => {
  const merchant = await running.addMerchant()
  const status = async (): Promise<number> => (await merchant.client.call({ path: '/v1/payments' })).status
  assert.equal(await status(), 200)
  const dispatcher = running.database.open('ngome_dispatcher', { poolMax: 1 })
  await dispatcher.pool.query('SELECT ngome.restrict_api_key($1, $2, $3)', [merchant.keyId, 'suspend', new Date(systemClock.nowMs() + 3_600_000)])
  while (await status() === 200) await sleep(20)
  const refused = await merchant.client.call({ path: '/v1/payments' })
  assert.deepEqual([refused.status, problemSchema.parse(JSON.parse(refused.text)).code], [403, 'access/key_suspended'])
  assert.equal((await owner.client.call({ path: '/v1/payments' })).status, 200)
  const lifted = emit({ clock: systemClock, random: systemRandom, process: 'operator' }, 'api_key.unrestricted', merchant.tenant, { key: merchant.keyId })
  await liftRestriction(running.database.open('ngome_operator', { poolMax: 1 }), merchant.tenant, merchant.keyId, systemClock.nowMs(), lifted)
  while (await status() !== 200) await sleep(20)
})
