import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { checkoutSessionSchema } from '@ngome/contracts'
import { systemClock } from '@ngome/kernel'
import { problemIn } from '../testing/problem-in.ts'
import { makeSession, Payer, stateIn, type Page } from '../testing/payer.ts'
import { settleTry } from '../testing/settle-try.ts'
import { TestGateway, type TestMerchant } from '../testing/test-gateway.ts'

let running: TestGateway
let merchant: TestMerchant
let payer: Payer
let nowMs = 0
before(async () => {
  // Ahead of the machine's, where a test moves it.
  running = await TestGateway.start({ clock: { nowMs: () => systemClock.nowMs() + nowMs } })
  merchant = await running.addMerchant()
  payer = new Payer(running)
})
after(() => running.close())

const end = (id: string, status: 'succeeded' | 'failed', failure: string | null = null): Promise<void> => settleTry(running, id, status, failure)

async function paymentsOf(id: string): Promise<readonly Record<string, unknown>[]> {
  return running.database.asAdmin(`SELECT p.id, p.status, p.payer_masked FROM ngome.checkout_tries t
    JOIN ngome.payments p ON p.id = t.payment WHERE t.session = $1 ORDER BY t.try`, [id])
}

const session = async (id: string, as = merchant): Promise<ReturnType<typeof checkoutSessionSchema.parse>> => {
  const answer = await as.client.call({ path: `/v1/checkout_sessions/${id}` })
  assert.equal(answer.status, 200, answer.text)
  return checkoutSessionSchema.parse(JSON.parse(answer.text))
}
const cancel = (id: string, as = merchant) => as.client.call({ method: 'POST', path: `/v1/checkout_sessions/${id}/cancel` })
/** A phone of each test's own: prompts of one are limited. */
let phones = 0
const phone = (): string => `+4673${String(1_000_000 + ++phones)}`
const isBack = (page: Page, token: string): void =>
  assert.deepEqual([page.status, page.headers.get('location')], [303, `/c/${token}?lang=en`], page.text)

describe('a payer with a link', () => {
  test('picks a network, enters the number, approves, and sees the result', async () => {
    const { id, token } = await makeSession(merchant, { description: 'Two planted mangoes', success_url: 'https://shop.example/thanks?o=1&p=2' })
    const open = await payer.get(`/c/${token}`)
    assert.deepEqual([open.status, stateIn(open)], [200, 'open'])
    for (const said of ['Two planted mangoes', 'order-42', 'EUR', '5.00', 'Test mode']) assert.ok(open.text.includes(said), said)
    isBack(await payer.pay(token, { phone: '073 312 34-99' }), token)
    const waiting = await payer.get(`/c/${token}`)
    assert.equal(stateIn(waiting), 'processing')
    assert.match(waiting.text, /Approve on your phone/)
    assert.match(waiting.text, /\+46•••499/)
    assert.doesNotMatch(waiting.text, /3123499/)
    await end(id, 'succeeded')
    const paid = await payer.get(`/c/${token}`)
    assert.equal(stateIn(paid), 'paid')
    assert.match(paid.text, /href="https:\/\/shop\.example\/thanks\?o=1&amp;p=2" rel="noopener noreferrer nofollow">Back to shop\.example</)
    const { status, payment, tries_left: left } = await session(id)
    assert.deepEqual([status, left, payment], ['paid', 4, (await paymentsOf(id))[0]?.['id']])
  })

  test('makes an ordinary collection of the merchant: sealed, with its reference, its job and its event', async () => {
    const { id, token } = await makeSession(merchant, { reference: 'order-7', description: 'A planted papaya' })
    await payer.pay(token, { phone: phone() })
    const [{ id: payment } = {}] = await paymentsOf(id)
    const read = await merchant.client.call({ path: `/v1/payments/${String(payment)}` })
    assert.deepEqual([read.status, (JSON.parse(read.text) as { reference: string }).reference], [200, 'order-7'])
    const [counts] = await running.database.asAdmin(`SELECT
      (SELECT count(*)::int FROM ngome.transfers WHERE payment = $1) AS transfers,
      (SELECT count(*)::int FROM pgboss.job WHERE data->>'payment' = $1) AS jobs,
      (SELECT count(*)::int FROM ngome.events WHERE data->>'payment' = $1) AS events`, [payment])
    assert.deepEqual(counts, { transfers: 1, jobs: 1, events: 2 })
  })

  test('whose payment failed reads why, and tries again, five times in all', async () => {
    const { id, token } = await makeSession(merchant)
    const reasons = [
      ['insufficient_funds', /not enough money/], ['payer_refused', /not approved on the phone/], ['payer_timed_out', /not approved in time/],
      ['payer_unknown', /no account at this network/], ['network_refused', /tried too often/],
    ] as const
    for (const [at, [failure, said]] of reasons.entries()) {
      isBack(await payer.pay(token, { try: String(at + 1), phone: phone() }), token)
      await end(id, 'failed', failure)
      assert.match((await payer.get(`/c/${token}`)).text, said)
    }
    assert.deepEqual([(await session(id)).status, (await session(id)).tries_left], ['failed', 0])
    isBack(await payer.pay(token, { try: '6', phone: phone() }), token)
    assert.equal((await paymentsOf(id)).length, 5)
  })
})

describe('of a session at most one payment succeeds', () => {
  test('however often the form is sent at once, by however many phones', async () => {
    const { id, token } = await makeSession(merchant)
    const numbers = Array.from({ length: 12 }, phone)
    const pages = await Promise.all([...numbers, ...numbers.slice(0, 4)].map((number) => payer.pay(token, { phone: number })))
    for (const page of pages) isBack(page, token)
    assert.equal((await paymentsOf(id)).length, 1)
  })

  test('when a form comes again after the payment before failed, was paid, or with another try', async () => {
    const { id, token } = await makeSession(merchant)
    isBack(await payer.pay(token, { phone: phone() }), token)
    isBack(await payer.pay(token, { phone: phone(), try: '2' }), token)
    await end(id, 'failed', 'payer_refused')
    isBack(await payer.pay(token, { phone: phone() }), token)
    assert.equal((await paymentsOf(id)).length, 1, 'an old form is not a new try')
    isBack(await payer.pay(token, { phone: phone(), try: '2' }), token)
    await end(id, 'succeeded')
    for (const at of ['1', '2', '3']) isBack(await payer.pay(token, { phone: phone(), try: at }), token)
    assert.deepEqual((await paymentsOf(id)).map(({ status }) => status), ['failed', 'succeeded'])
  })

  test('and the database holds that by itself, whatever a gateway writes', async () => {
    const { id, token } = await makeSession(merchant)
    const other = await makeSession(merchant)
    await payer.pay(token, { phone: phone() })
    await payer.pay(other.token, { phone: phone() })
    const [mine] = await paymentsOf(id)
    const insert = (session: string, at: number, payment: unknown) => running.database.asAdmin(
      'INSERT INTO ngome.checkout_tries VALUES ($1, $2, $3, $4, $5, now())', [merchant.tenant.merchant, merchant.tenant.world, session, at, payment])
    await assert.rejects(insert(id, 2, (await paymentsOf(other.id))[0]?.['id']), { code: 'NG036' })
    await end(other.id, 'failed', 'payer_refused')
    await assert.rejects(insert(other.id, 2, mine?.['id']), { code: '23505' }, 'a payment is of one session')
    await assert.rejects(running.database.asAdmin('UPDATE ngome.checkout_sessions SET amount_minor = 1 WHERE id = $1', [id]), { code: 'NG002' })
    await assert.rejects(running.database.asAdmin('DELETE FROM ngome.checkout_tries'), { code: 'NG003' })
  })
})

describe('a merchant', () => {
  test('reads sessions of its own, and no link of any', async () => {
    const { id, token } = await makeSession(merchant)
    const answer = await merchant.client.call({ path: `/v1/checkout_sessions/${id}` })
    assert.ok(!answer.text.includes(token))
    const stranger = await running.addMerchant()
    for (const call of [stranger.client.call({ path: `/v1/checkout_sessions/${id}` }), cancel(id, stranger)]) {
      const refused = await call
      assert.deepEqual([refused.status, problemIn(refused).code], [404, 'checkout/unknown'])
    }
  })

  test('who repeats a request gets the session without its link', async () => {
    const make = () => merchant.client.call({
      method: 'POST', path: '/v1/checkout_sessions', idempotencyKey: 'twice', body: { amount: '5.00', currency: 'EUR', reference: 'r' },
    })
    const [first, second] = [JSON.parse((await make()).text), JSON.parse((await make()).text)] as { id: string; url: string | null }[]
    assert.match(first?.url ?? '', /^https:\/\/checkout\.localhost:8443\/c\/[A-Za-z0-9_-]{48}$/)
    assert.deepEqual([second?.id, second?.url], [first?.id, null])
  })

  test('cancels a session that nobody pays, and no other', async () => {
    const { id, token } = await makeSession(merchant)
    await payer.pay(token, { phone: phone() })
    const refused = await cancel(id)
    assert.deepEqual([refused.status, problemIn(refused).code], [409, 'checkout/not_open'])
    await end(id, 'failed', 'payer_refused')
    for (let count = 0; count < 2; count++) assert.equal((await cancel(id)).status, 200)
    assert.equal((await session(id)).status, 'cancelled')
    assert.equal(stateIn(await payer.get(`/c/${token}`)), 'cancelled')
    isBack(await payer.pay(token, { try: '2', phone: phone() }), token)
    assert.equal((await paymentsOf(id)).length, 1)
  })

  const wrong: readonly (readonly [what: string, body: object, pointer: string])[] = [
    ['nothing to pay', { amount: '0' }, '/amount'], ['a negative amount', { amount: '-1' }, '/amount'],
    ['more digits than the currency has', { amount: '1.001' }, '/amount'], ['a currency that there is not', { currency: 'XXX' }, '/currency'],
    ['a currency that no network takes', { currency: 'KES' }, '/networks'], ['a network that there is not', { networks: ['mpesa'] }, '/networks'],
    ['a network twice', { networks: ['mtn-sandbox', 'mtn-sandbox'] }, '/networks'], ['no network', { networks: [] }, '/networks'],
    ['a link over plain HTTP', { success_url: 'http://shop.example/' }, '/success_url'],
    ['a link that is a script', { success_url: `${'javascript'}:alert(1)` }, '/success_url'],
    ['a link that is data', { cancel_url: 'data:text/html,x' }, '/cancel_url'],
    ['a link with a user', { cancel_url: 'https://shop.example@evil.example/' }, '/cancel_url'],
    ['a link in another spelling', { cancel_url: 'https://SHOP.example/a b' }, '/cancel_url'],
    ['a link with a line end', { cancel_url: 'https://shop.example/\r\nx: y' }, '/cancel_url'],
    ['a description with a tag', { description: '<b>' }, '/description'],
    ['a life of a second', { expires_in: 1 }, '/expires_in'], ['a life of a year', { expires_in: 31_536_000 }, '/expires_in'],
  ]
  for (const [what, body, pointer] of wrong) {
    test(`makes no session with ${what}`, async () => {
      const answer = await merchant.client.call({
        method: 'POST', path: '/v1/checkout_sessions', idempotencyKey: `wrong ${pointer}`.replace(' ', '-'), body: { amount: '5.00', currency: 'EUR', reference: 'r', ...body },
      })
      const problem = JSON.parse(answer.text) as { code: string; errors: { pointer: string }[] }
      assert.deepEqual([answer.status, problem.code, problem.errors[0]?.pointer], [422, 'request/invalid', pointer], answer.text)
    })
  }
})

describe('a link asks nobody', () => {
  test('once its session has expired, but what began before goes on', async () => {
    const late = await makeSession(merchant, { expires_in: 300 })
    const begun = await makeSession(merchant, { expires_in: 300 })
    await payer.pay(begun.token, { phone: phone() })
    nowMs = 301_000
    try {
      assert.equal(stateIn(await payer.get(`/c/${late.token}`)), 'expired')
      isBack(await payer.pay(late.token, { phone: phone() }), late.token)
      assert.equal((await paymentsOf(late.id)).length, 0)
      assert.equal(stateIn(await payer.get(`/c/${begun.token}`)), 'processing')
      await end(begun.id, 'succeeded')
      assert.equal(stateIn(await payer.get(`/c/${begun.token}`)), 'paid')
    } finally {
      nowMs = 0
    }
  })

  test('once its key was revoked or has expired, or its merchant was frozen; what was paid is shown', async () => {
    const own = await running.addMerchant()
    const paid = await makeSession(own)
    await payer.pay(paid.token, { phone: phone() })
    await end(paid.id, 'succeeded')
    const frozen = await makeSession(own)
    const [revoked, ending] = [await running.issueKey(own.tenant), await running.issueKey(own.tenant, { expiresAtMs: systemClock.nowMs() + 400_000 })]
    const [ofRevoked, ofEnding] = [await makeSession(revoked), await makeSession(ending)]
    await running.revoke(revoked)
    await refused(ofRevoked)
    nowMs = 401_000
    try {
      await refused(ofEnding)
    } finally {
      nowMs = 0
    }
    assert.equal(stateIn(await payer.get(`/c/${frozen.token}`)), 'open')
    await running.freeze(own)
    await refused(frozen)
    assert.equal(stateIn(await payer.get(`/c/${paid.token}`)), 'paid')
    await running.freeze(own, false)
    await until(async () => stateIn(await payer.get(`/c/${frozen.token}`)) === 'open')
  })

  async function refused({ id, token }: { readonly id: string; readonly token: string }): Promise<void> {
    await until(async () => (await payer.get(`/c/${token}`)).status === 409)
    const page = await payer.pay(token, { phone: phone() })
    assert.equal(page.status, 409)
    assert.match(page.text, /This cannot be paid now/)
    assert.equal((await paymentsOf(id)).length, 0)
  }

  async function until(holds: () => Promise<boolean>): Promise<void> {
    for (let count = 0; count < 100; count++) {
      if (await holds()) return
      await new Promise((resolve) => { setTimeout(resolve, 20) })
    }
    assert.fail('it did not come to be')
  }

  test('past the caps of its key: at its making, and of the day when somebody pays', async () => {
    const capped = await running.issueKey((await running.addMerchant()).tenant, {
      caps: { networks: new Set(), currencies: new Set(), amountMax: new Map([['EUR', 800n]]), dayTotalMax: new Map([['EUR', 800n]]), dayTotalOf: null },
    })
    const tooMuch = await capped.client.call({
      method: 'POST', path: '/v1/checkout_sessions', idempotencyKey: 'much', body: { amount: '9.00', currency: 'EUR', reference: 'r' },
    })
    assert.deepEqual([tooMuch.status, problemIn(tooMuch).code], [403, 'access/cap_exceeded'])
    const [one, other] = [await makeSession(capped), await makeSession(capped)]
    isBack(await payer.pay(one.token, { phone: phone() }), one.token)
    assert.equal((await payer.pay(other.token, { phone: phone() })).status, 409)
    assert.deepEqual([(await paymentsOf(one.id)).length, (await paymentsOf(other.id)).length], [1, 0])
  })
})

test('neither links, descriptions nor numbers lie in any row or log line', async () => {
  const { token } = await makeSession(merchant, { description: 'A planted guava', cancel_url: 'https://planted-shop.example/' })
  await payer.pay(token, { phone: '+46 70 987 65 43' })
  await payer.get(`/c/${token}`)
  const tables = await running.database.asAdmin(
    `SELECT table_schema || '.' || quote_ident(table_name) AS name FROM information_schema.tables
     WHERE table_schema IN ('ngome', 'pgboss') AND table_type = 'BASE TABLE'`) as { name: string }[]
  const planted = [token, 'planted guava', 'planted-shop', '46709876543']
  for (const { name } of tables) {
    for (const text of planted) {
      const [hit] = await running.database.asAdmin(
        `SELECT count(*)::int AS n FROM ${name} AS r WHERE r::text LIKE '%' || $1 || '%' OR r::text LIKE '%' || $2 || '%'`, [text, Buffer.from(text).toString('hex')])
      assert.equal(hit?.['n'], 0, `${text} in ${name}`)
    }
  }
  assert.ok(tables.length > 15 && planted.every((text) => !running.logLines.join('').includes(text)))
})

test('where the operator has given the checkout no name there are no links, and no page under any name', async () => {
  const without = await TestGateway.start({
    beside: running, config: (config) => ({ ...config, gateway: { ...config.gateway, checkoutOrigin: undefined, certificateNames: config.gateway.publicNames } }),
  })
  try {
    const { token } = await makeSession(merchant)
    const answer = await new Payer(without).get(`/c/${token}`)
    assert.equal(answer.status, 400)
    const elsewhere = { ...merchant, client: without.client(merchant.key) }
    const refused = await elsewhere.client.call({
      method: 'POST', path: '/v1/checkout_sessions', idempotencyKey: 'nowhere', body: { amount: '5.00', currency: 'EUR', reference: 'r' },
    })
    assert.deepEqual([refused.status, problemIn(refused).code], [409, 'checkout/not_offered'])
  } finally {
    await without.close()
  }
})
