import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { defaultKeySettings } from '@ngome/access'
import type { Config } from '@ngome/runtime'
import type { Answer } from '@ngome/testkit'
import { collectMoney } from '../testing/collect-money.ts'
import { makeSession, Payer } from '../testing/payer.ts'
import { problemIn } from '../testing/problem-in.ts'
import { SigningMerchant } from '../testing/signing-merchant.ts'
import { TestGateway } from '../testing/test-gateway.ts'

/** What moves money, or asks for it, each with the same wrong things. */
type Way = 'payments' | 'payouts' | 'refunds' | 'payout_batches' | 'checkout_sessions'
type Wanted = { readonly amount?: string; readonly currency?: string; readonly network?: string; readonly phone?: string }
type Refusal = readonly [status: number, code: string, pointer?: string]

const phone = '+46733198765'
let running: TestGateway
let maker: SigningMerchant
let capped: SigningMerchant
let poor: SigningMerchant
let refundable: string
let anchors: ReadonlySet<string>
let keys = 0

/** A currency without minor units beside one that has two. */
function withNetworks(config: Config): Config {
  const [sandbox] = Object.values(config.networks)
  assert.ok(sandbox)
  return { ...config, networks: { 'mtn-sandbox': sandbox, 'mtn-ug': { ...sandbox, currency: 'UGX', callingCode: '256' } } }
}

before(async () => {
  running = await TestGateway.start({ config: withNetworks })
  const merchant = await running.addMerchant()
  maker = await SigningMerchant.of(running, merchant)
  const settings = defaultKeySettings('secret')
  capped = await SigningMerchant.beside(running, maker, { caps: { ...settings.caps, amountMax: new Map([['EUR', 400n]]) } })
  poor = await SigningMerchant.of(running, await running.addMerchant())
  for (const by of [maker, capped, poor]) await openBatch(by)
  refundable = (await collectMoney(running, merchant, { amount: '100.00' })).id
  const page = await new Payer(running).send('GET /reference', [], '', 'localhost')
  assert.equal(page.status, 200)
  anchors = new Set([...page.text.matchAll(/\bid="([^"]+)"/g)].map(([, id = '']) => id))
})
after(() => running.close())

/** Asks for it in that way: whatever is wrong stands in it as its merchant wrote it. */
const ask: Readonly<Record<Way, (wanted: Wanted, by: SigningMerchant) => Promise<Answer>>> = {
  payments: ({ phone: number = phone, ...wanted }, by) => by.merchant.client.call({
    method: 'POST', path: '/v1/payments', idempotencyKey: `bad-${++keys}`, body: { amount: '5.00', currency: 'EUR', network: 'mtn-sandbox', reference: 'r', payer: { phone: number }, ...wanted },
  }),
  payouts: ({ phone: number = phone, ...wanted }, by) =>
    by.post('/v1/payouts', { amount: '5.00', currency: 'EUR', network: 'mtn-sandbox', reference: 'r', payee: { phone: number }, ...wanted }),
  refunds: ({ amount = '5.00', currency = 'EUR' }, by) => by.post(`/v1/payments/${refundable}/refunds`, { amount, currency, reference: 'r' }),
  payout_batches: ({ amount = '5.00', currency = 'EUR', network = 'mtn-sandbox', phone: number = phone }, by) =>
    by.post(`/v1/payout_batches/${batches.get(by)?.id}/payouts`, { part: 1, batch_reference: batches.get(by)?.reference, currency, network, payouts: [{ reference: 'r', amount, payee: { phone: number } }] }),
  checkout_sessions: ({ amount = '5.00', currency = 'EUR', network = 'mtn-sandbox' }, by) => by.merchant.client.call({
    method: 'POST', path: '/v1/checkout_sessions', idempotencyKey: `bad-${++keys}`, body: { amount, currency, networks: [network], reference: 'r' },
  }),
}
/** A batch of each of them that is open; its making is no part of what is refused. */
const batches = new Map<SigningMerchant, { readonly id: string; readonly reference: string }>()
async function openBatch(by: SigningMerchant): Promise<void> {
  const made = await by.post('/v1/payout_batches', { reference: `wages-${batches.size}`, currency: 'EUR', count: 2, total: '3.00' })
  assert.equal(made.status, 201, made.text)
  batches.set(by, JSON.parse(made.text) as { id: string; reference: string })
}

/** What may be written of a refused request: that it came, by whom, and the hour's data key of its merchant, which the next one is sealed under. */
const ofRequests = new Set(['data_keys', 'request_log', 'api_key_uses', 'api_key_usage', 'api_key_usage_facets', 'network_health', 'ocsp_staples', 'revocation_counter'])
/** Of each table how many rows it has and who wrote last, so that neither a new row nor a changed one goes unseen. */
async function everyTable(): Promise<Record<string, unknown>> {
  const tables = await running.database.asAdmin(`SELECT n.nspname || '.' || c.relname AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE (n.nspname = 'ngome' OR (n.nspname, c.relname) = ('pgboss', 'job')) AND c.relkind IN ('r', 'p') AND NOT c.relispartition`)
  const names = tables.map(({ name }) => String(name)).filter((name) => !ofRequests.has(name.replace('ngome.', '')))
  assert.ok(names.length > 40, `${names.length}`)
  const looks = names.map((name) => `SELECT '${name}' AS name, count(*)::int AS rows, max(xmin::text::bigint)::text AS last FROM ${name}`)
  return Object.fromEntries((await running.database.asAdmin(looks.join(' UNION ALL '))).map(({ name, ...state }) => [String(name), state]))
}

/** Each is refused so, with help that is there, and nothing is written of any. */
async function refused(way: Way, cases: readonly (readonly [what: string, wanted: Wanted, by?: SigningMerchant])[], [status, code, pointer]: Refusal): Promise<void> {
  const earlier = await everyTable()
  for (const [what, wanted, by = maker] of cases) {
    const answer = await ask[way](wanted, by)
    assert.equal(answer.status, status, `${what}: ${answer.text}`)
    const problem = problemIn(answer)
    assert.deepEqual([problem.status, problem.code], [status, code], `${what}: ${answer.text}`)
    if (pointer !== undefined) assert.deepEqual(problem.errors?.map((field) => field.pointer), [pointer], `${what}: ${answer.text}`)
    const anchor = /^\/reference#(.+)$/.exec(problem.help ?? '')?.[1]
    assert.ok(anchor !== undefined && anchors.has(anchor), `${problem.help} leads to no line of the reference`)
  }
  assert.deepEqual(await everyTable(), earlier, 'something was written')
}

const ways: readonly Way[] = ['payments', 'payouts', 'refunds', 'payout_batches', 'checkout_sessions']
const inRows = (way: Way, pointer: string): string => way === 'payout_batches' ? `/payouts/0${pointer}` : pointer

suite('a wrong amount is refused, and nothing but the refusal is written', () => {
  const amounts: readonly (readonly [what: string, wanted: Wanted])[] = ([
    ['zero', '0'], ['zero with digits', '0.00'], ['a negative one', '-5.00'], ['one with a plus', '+5.00'], ['too many digits', '5.001'], ['an exponent', '5e2'],
    ['more than there ever is', '99999999999999999999'], ['nothing at all', ''], ['a comma', '5,00'], ['a thousands\u2019 mark', '1,000.00'], ['a space', ' 5.00'],
    ['a zero before it', '05.00'], ['a point without digits', '5.'], ['digits of another script', '\u0665.00'], ['what is no number', 'NaN'],
  ] as const).map(([what, amount]) => [what, { amount }])
  for (const way of ways) {
    test(`of ${way}`, () => refused(way, amounts, [422, 'request/invalid', inRows(way, '/amount')]))
    test(`of ${way}, above the cap of its key`, () => refused(way, [['a cent more', { amount: '4.01' }, capped]],
      way === 'payout_batches' ? [422, 'request/invalid', '/payouts/0/amount'] : [403, 'access/cap_exceeded', '/amount']))
  }
  for (const way of ['payments', 'payouts', 'checkout_sessions'] as const) {
    test(`of ${way}, with minor units of a currency that has none`, () =>
      refused(way, [['UGX', { amount: '500.00', currency: 'UGX', network: 'mtn-ug', phone: '+256772123456' }]], [422, 'request/invalid', '/amount']))
  }
})

suite('a currency that its network does not take is refused', () => {
  for (const way of ways) {
    const pointer = way === 'checkout_sessions' ? '/networks' : '/currency'
    test(`of ${way}`, () => refused(way, [['UGX', { currency: 'UGX', amount: '5' }]], [422, 'request/invalid', pointer]))
    test(`of ${way}, where there is no such currency`, () => refused(way, [['XXX', { currency: 'XXX', amount: '5' }]], [422, 'request/invalid']))
  }
})

suite('a number that cannot be asked or paid is refused', () => {
  const numbers: readonly (readonly [what: string, wanted: { readonly phone: string }])[] = ([
    ['without its country', '0733198765'], ['of another country', '+254712345678'], ['too short', '+46733'],
    ['too long', '+467331987651234'], ['of a fixed line', '+46850000000'], ['with spaces', '+46 733 198 765'], ['that is none', 'me'],
  ] as const).map(([what, number]) => [what, { phone: number }])
  const pointers = { payments: '/payer/phone', payouts: '/payee/phone', payout_batches: '/payouts/0/payee/phone' } as const
  for (const way of ['payments', 'payouts', 'payout_batches'] as const) test(`of ${way}`, () => refused(way, numbers, [422, 'request/invalid', pointers[way]]))

  test('of a checkout, on its page, where a payer may write spaces and leave the country out', async () => {
    const { token } = await makeSession(maker.merchant)
    const earlier = await everyTable()
    for (const [what, { phone: number }] of numbers.filter(([, wanted]) => !/^0| /.test(wanted.phone))) {
      const page = await new Payer(running).pay(token, { phone: number })
      assert.deepEqual([page.status, /role="alert"/.test(page.text)], [422, true], `${what}: ${page.text}`)
    }
    assert.deepEqual(await everyTable(), earlier, 'something was written')
  })
})

suite('money that is not there', () => {
  test('is not paid out', () => refused('payouts', [['a cent more', { amount: '100.01' }]], [422, 'payments/insufficient_funds', '/amount']))
  test('is not paid out by a batch', () => refused('payout_batches', [['5.00 of nothing', {}, poor]], [422, 'payments/insufficient_funds']))
  test('is not given back: more than came, and more than is left of it', async () => {
    await refused('refunds', [['a cent more', { amount: '100.01' }]], [422, 'payments/refund_exceeds', '/amount'])
    assert.equal((await ask.refunds({ amount: '60.00' }, maker)).status, 201)
    await refused('refunds', [['a cent more than the rest', { amount: '40.01' }]], [422, 'payments/refund_exceeds', '/amount'])
  })
})

test('a frozen merchant does nothing, in no way', async () => {
  await running.freeze(poor.merchant)
  for (let tries = 0; (await poor.get('/v1/payments')).status !== 403; tries++) {
    assert.ok(tries < 100)
    await new Promise((resolve) => { setTimeout(resolve, 20) })
  }
  for (const way of ways) await refused(way, [['as others do', {}, poor]], [403, 'access/merchant_frozen'])
})

test('what is right is taken, in every way, and is seen to be written: the refusals above mean something', async () => {
  for (const way of ways) {
    const earlier = await everyTable()
    const answer = await ask[way]({ amount: '1.00' }, maker)
    assert.equal(answer.status, 201, `${way}: ${answer.text}`)
    assert.notDeepEqual(await everyTable(), earlier)
  }
})
