import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { limitsSchema, problemSchema } from '@ngome/contracts'
import { systemClock, systemRandom } from '@ngome/kernel'
import type { Answer } from '@ngome/testkit'
import { newApiKey } from '@ngome/access'
import { examples } from '../api/examples.ts'
import { operationNames, operations } from '../api/operations.ts'
import { TestGateway, type TestMerchant } from '../testing/test-gateway.ts'

/** So slow that no token comes back while a test runs. */
const slow = (burst: number) => ({ ratePerS: 1, burst })
/** An hour after the process began, so that buckets are full; it stands still, so that nothing comes back. */
const heldMs = 3_600_000
let running: TestGateway
before(async () => {
  const tenant = { key: slow(60), merchant: slow(90), route: slow(45) }
  running = await TestGateway.start({
    config: (config) => ({
      ...config, egress: { allowPrivate: ['127.0.0.1:9999'] },
      limits: { ...config.limits, test: tenant, live: tenant, ceiling: { ratePerS: 1_000, burst: 500 } },
    }),
    monotonicMs: () => heldMs,
  })
})
after(() => running.close())

const read = (merchant: Pick<TestMerchant, 'client'>, path = '/v1/payments/pay_01k8z3f7q2e9d8m4n6p0r5s7tv'): Promise<Answer> => merchant.client.call({ path })

async function many(count: number, ask: () => Promise<Answer>): Promise<Answer[]> {
  const answers: Answer[] = []
  while (answers.length < count) answers.push(await ask())
  return answers
}

const isLimited = ({ status }: Answer): boolean => status === 429
const detailOf = (answer: Answer): string => problemSchema.parse(JSON.parse(answer.text)).errors?.[0]?.detail ?? ''

describe('a caller', () => {
  test('gets exactly its burst, and then 429 with when to come again and which limit it was', async () => {
    const merchant = await running.addMerchant()
    const sinceMs = performance.now()
    const answers = await many(60, () => read(merchant))
    const refused = answers.filter(isLimited)
    // What time gave back meanwhile.
    const backMax = Math.ceil((performance.now() - sinceMs) / 1_000)
    assert.ok(refused.length <= 15 && refused.length >= 15 - backMax, `${refused.length} of 60 were refused`)
    const last = refused.at(-1) ?? assert.fail()
    assert.equal(last.headers['retry-after'], '1')
    assert.equal(last.headers['ratelimit'], '"route";r=0;t=1')
    assert.equal(last.headers['ratelimit-policy'], '"key";q=60;w=60, "merchant";q=90;w=90, "route";q=45;w=45')
    assert.equal(problemSchema.parse(JSON.parse(last.text)).code, 'access/limit_exceeded')
    assert.equal(detailOf(last), 'The limit of this route, 1 tokens a second and 45 at once, is reached; this call costs 1. Come again in 1 s.')
    assert.equal(last.headers['connection'], 'keep-alive', 'nobody needs a new handshake to come again')
  })

  test('is told what is left on every answer that knows it, faults included', async () => {
    const merchant = await running.addMerchant()
    const [first, second] = await many(2, () => read(merchant))
    assert.equal(first?.status, 404)
    assert.match(String(first.headers['ratelimit']), /^"route";r=44;t=1$/)
    assert.match(String(second?.headers['ratelimit']), /^"route";r=43;t=1$/)
    const stranger = running.client(newApiKey({ world: 'test', clock: systemClock, random: systemRandom }).text.expose((text) => text))
    assert.equal((await read({ client: stranger })).headers['ratelimit'], undefined)
  })

  test('pays for each operation what it costs, from each of its limits', async () => {
    const merchant = await running.addMerchant()
    const pay = await merchant.client.call({ method: 'POST', path: '/v1/payments', body: examples.createPayment?.request, idempotencyKey: 'one' })
    assert.equal(pay.status, 201, pay.text)
    const answer = await merchant.client.call({ path: '/v1/limits' })
    const view = limitsSchema.parse(JSON.parse(answer.text))
    const left = (operation: string) => view.routes.find((route) => route.operation === operation)?.remaining
    assert.ok([54, 55].includes(view.key.remaining), String(view.key.remaining))
    assert.ok([84, 85].includes(view.merchant.remaining))
    assert.deepEqual([left('createPayment'), left('getLimits'), left('listPayments')], [40, 44, 45])
    assert.equal(view.routes.find(({ operation }) => operation === 'createPayment')?.cost, 5)
    assert.deepEqual(view.routes.map((route) => route.operation), operationNames.filter((name) => operations[name].credentials === 'api-key'))
  })

  test('that is refused by one limit loses nothing of its others', async () => {
    const merchant = await running.addMerchant()
    const refused = (await many(60, () => read(merchant))).filter(isLimited).length
    assert.ok(refused >= 5, String(refused))
    const view = limitsSchema.parse(JSON.parse((await read(merchant, '/v1/limits')).text))
    assert.ok(view.key.remaining >= refused - 1 && view.merchant.remaining >= refused + 29, JSON.stringify(view.key))
  })

  test('with a key that everybody can read takes nothing from the servers of its merchant', async () => {
    const server = await running.addMerchant()
    const page = await running.issueKey(server.tenant, { kind: 'publishable' })
    const second = await running.issueKey(server.tenant, { kind: 'publishable' })
    assert.ok((await many(60, () => read(page, '/v1/vault/keys'))).some(isLimited))
    assert.ok((await many(1, () => read(second, '/v1/vault/keys'))).every(isLimited), 'pages have one limit for all of them')
    assert.ok(!(await many(40, () => read(server, '/v1/vault/keys'))).some(isLimited))
  })

  test('has no hold on another: one that is spent leaves the next untouched', async () => {
    const [one, other] = [await running.addMerchant(), await running.addMerchant()]
    assert.ok((await many(50, () => read(one))).some(isLimited))
    assert.ok(!(await many(40, () => read(other))).some(isLimited))
  })

  test('has the limits that the operator gives it, soon, cut at the ceiling; what was spent stays spent', { timeout: 60_000 }, async () => {
    const merchant = await running.addMerchant()
    const untilTold = async (quota: number): Promise<void> => {
      while (!String((await read(merchant)).headers['ratelimit-policy']).startsWith(`"key";q=${quota};`)) await sleep(20)
    }
    await many(40, () => read(merchant))
    await running.setLimits(merchant, { ratePerS: 1, burst: 100_000 })
    await untilTold(500)
    const raised = limitsSchema.parse(JSON.parse((await read(merchant, '/v1/limits')).text))
    assert.equal(raised.key.burst, 500)
    assert.ok(raised.key.remaining <= 25, `${raised.key.remaining} were given anew`)
    await running.setLimits(merchant, slow(3))
    await untilTold(3)
    assert.ok((await many(6, () => read(merchant))).filter(isLimited).length >= 2)
    await running.setLimits(merchant, null)
    await untilTold(60)
  })

  test('is one event a minute, however often it is refused', async () => {
    const merchant = await running.addMerchant()
    await many(70, () => read(merchant))
    await sleep(200)
    const rows = await running.database.asAdmin(
      `SELECT severity, data FROM ngome.events WHERE type = 'limits.exceeded' AND merchant = $1`, [merchant.tenant.merchant])
    assert.deepEqual(rows, [{ severity: 'notice', data: { key: merchant.keyId, limit: 'route', count: 1 } }])
  })
})

test('an address that tries wrong keys is refused before they are looked at, and a right one with it', async () => {
  const limited = await TestGateway.start({
    config: (config) => ({ ...config, limits: { ...config.limits, address: slow(200), failureCost: 40 } }),
    monotonicMs: () => heldMs,
  })
  try {
    const merchant = await limited.addMerchant()
    assert.equal((await read(merchant)).status, 404)
    const thief = { client: limited.client(newApiKey({ world: 'test', clock: systemClock, random: systemRandom }).text.expose((text) => text)) }
    const answers = await many(8, () => read(thief))
    assert.deepEqual(answers.map(({ status }) => status), [401, 401, 401, 401, 401, 429, 429, 429])
    const refused = await read(merchant)
    assert.equal(refused.status, 429)
    assert.equal(refused.headers['ratelimit-policy'], undefined, 'who is not known is told no more than when to come again')
    assert.match(detailOf(refused), /^The limit of this address/)
  } finally {
    await limited.close()
  }
})
