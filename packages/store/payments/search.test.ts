import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { PaymentStatus } from '@ngome/contracts'
import { idCreatedAtMs, type PaymentId } from '@ngome/kernel'
import { addTestMerchant, addUpPast, testAcceptance, testDatabase, writePastPayments, type TestDatabase, type TestMerchant } from '@ngome/testkit'
import fc from 'fast-check'
import pg from 'pg'
import type { Database } from '../database.ts'
import { checkLedger } from '../ledger-check.ts'
import { acceptPayment } from './accept-payment.ts'
import type { PaymentRow } from './find-payment.ts'
import { listPayments, searchStatement, type PaymentFilter, type PaymentPage } from './list-payments.ts'

const count = 21_000
const by = [['mtn-sandbox', 'EUR'], ['mtn-uganda', 'UGX'], ['airtel-uganda', 'UGX']] as const
/** So many and no more are read for a page of twenty, of however many rows. */
const buffersMax = 300

let database: TestDatabase
let gateway: Database
/** Who has nearly all payments, and who has one. */
let large: TestMerchant
let small: TestMerchant
let middle: string
before(async () => {
  database = await testDatabase()
  gateway = database.open('ngome_gateway', { poolMax: 2 })
  large = await addTestMerchant(database)
  small = await addTestMerchant(database)
  const past = await writePastPayments(database, large.tenant, { count, every: count / 2, by }, () => undefined)
  middle = past[1]?.id ?? assert.fail()
  await addUpPast(database)
  await acceptPayment(gateway, testAcceptance(small))
  await database.asAdmin('VACUUM (ANALYZE) ngome.payments')
})
after(() => database.close())

/** How many buffers the plan of any values reads, as the gateway. */
async function buffersOf({ tenant }: TestMerchant, page: PaymentPage): Promise<number> {
  const client = await gateway.pool.connect()
  try {
    await client.query('BEGIN')
    await client.query(`SELECT set_config('ngome.merchant', $1, true), set_config('ngome.world', $2, true), set_config('plan_cache_mode', 'force_generic_plan', true)`,
      [tenant.merchant, tenant.world])
    const { text, values } = searchStatement(tenant, page)
    const literals = values.map((value) => value === null ? 'NULL' : typeof value === 'number' ? String(value)
      : pg.escapeLiteral(Array.isArray(value) ? `{${value.join(',')}}` : value as string))
    await client.query(`PREPARE searched AS ${text}`)
    const { rows } = await client.query<{ 'QUERY PLAN': readonly [{ Plan: Record<string, number> }] }>(
      `EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) EXECUTE searched (${literals.join(', ')})`)
    await client.query('DEALLOCATE searched')
    const plan = rows[0]?.['QUERY PLAN'][0].Plan ?? assert.fail()
    return (plan['Shared Hit Blocks'] ?? 0) + (plan['Shared Read Blocks'] ?? 0)
  } finally {
    await client.query('ROLLBACK')
    client.release()
  }
}

const list = (merchant: TestMerchant, page: Partial<PaymentPage>): Promise<readonly PaymentRow[]> =>
  listPayments(gateway, merchant.tenant, { direction: 'collection', after: null, limit: 21, ...page })

/** Of each filter what is common, what is rare, and what is not there. */
const wanted = {
  status: [null, 'succeeded', 'processing', 'in_doubt'],
  network: [null, 'airtel-uganda', 'nowhere'],
  currency: [null, 'UGX', 'KES'],
  reference: [null, 'past-9000', 'nothing-like-it'],
  from: [null, 'middle'],
} as const

const filters: readonly PaymentFilter[] = wanted.status.flatMap((status) => wanted.network.flatMap((network) => wanted.currency.flatMap((currency) =>
  wanted.reference.flatMap((reference) => wanted.from.map((from) => ({ status, network, currency, reference, from }))))))
  .map(({ from, ...filter }) => ({ ...filter, get fromMs() { return from === null ? null : idCreatedAtMs(middle as PaymentId) } }))

describe('a search', () => {
  test('reads few buffers, whatever is searched for, by who has nearly all payments and by who has one', async () => {
    let most = 0
    let looked = 0
    for (const filter of filters) {
      for (const merchant of [large, small]) {
        const buffers = await buffersOf(merchant, { ...filter, direction: 'collection', after: null, limit: 21 })
        most = Math.max(most, buffers)
        looked++
        assert.ok(buffers <= buffersMax, `${buffers} buffers for ${JSON.stringify(filter)}`)
      }
    }
    assert.equal(looked, 432)
    assert.ok(most > 20, 'the plans were run')
  })

  test('reads as few where a page goes on in the middle, and where two times hold one payment between them', async () => {
    const after = middle as PaymentId
    const atMs = idCreatedAtMs(after)
    for (const filter of [{}, { status: 'processing' }, { network: 'mtn-uganda' }, { reference: 'past-7' }] as const) {
      assert.ok(await buffersOf(large, { ...filter, direction: 'collection', after, limit: 21 }) <= buffersMax)
      assert.ok(await buffersOf(large, { ...filter, direction: 'collection', after: null, limit: 21, fromMs: atMs, beforeMs: atMs + 1 }) <= buffersMax)
    }
  })

  test('would be seen to read the table without its index', async () => {
    const page = { direction: 'collection', after: null, limit: 21, status: 'in_doubt' } as const
    const [definition] = await database.asAdmin(`SELECT pg_get_indexdef('ngome.payments_search'::regclass) AS sql`)
    await database.asAdmin('DROP INDEX ngome.payments_search')
    try {
      assert.ok(await buffersOf(large, page) > buffersMax)
    } finally {
      await database.asAdmin(String(definition?.['sql']))
    }
  })

  test('finds what a look at every row finds, in its order, page after page', async () => {
    const all: PaymentRow[] = []
    for (let page = await list(large, { limit: 101 }); page.length > 0; page = await list(large, { limit: 101, after: page.at(-1)?.id ?? null })) all.push(...page)
    assert.equal(all.length, count)
    const times = fc.option(fc.nat(count - 1).map((at) => all[at]?.createdAtMs ?? assert.fail()), { nil: null })
    const filter = fc.record({
      status: fc.constantFrom(null, null, 'succeeded', 'failed', 'processing', 'cancelled').map((status) => status as PaymentStatus | null),
      network: fc.constantFrom(null, null, 'mtn-sandbox', 'mtn-uganda', 'airtel-uganda', 'nowhere'),
      currency: fc.constantFrom(null, null, 'EUR', 'UGX', 'KES'),
      reference: fc.oneof({ weight: 4, arbitrary: fc.constant(null) }, fc.nat(count).map((at) => `past-${at}`)),
      fromMs: times, beforeMs: times,
    })
    await fc.assert(fc.asyncProperty(filter, fc.integer({ min: 1, max: 40 }), async (search, limit) => {
      const found = all.filter((row) => (search.status === null || row.status === search.status) && (search.network === null || row.network === search.network)
        && (search.currency === null || row.currency === search.currency) && (search.reference === null || row.reference === search.reference)
        && (search.fromMs === null || row.createdAtMs >= search.fromMs) && (search.beforeMs === null || row.createdAtMs < search.beforeMs))
      const first = await list(large, { ...search, limit })
      assert.deepEqual(first.map(({ id }) => id), found.slice(0, limit).map(({ id }) => id))
      const second = await list(large, { ...search, limit, after: first.at(-1)?.id ?? null })
      if (first.length > 0) assert.deepEqual(second.map(({ id }) => id), found.slice(first.length, first.length + limit).map(({ id }) => id))
    }), { numRuns: 120 })
  })

  test('of payouts and refunds finds none of the collections, and finds what is new', async () => {
    for (const direction of ['payout', 'refund'] as const) {
      assert.deepEqual(await list(large, { direction, status: 'succeeded' }), [])
      assert.deepEqual(await list(large, { direction }), [])
    }
    const acceptance = testAcceptance(small)
    await acceptPayment(gateway, { ...acceptance, payment: { ...acceptance.payment, reference: 'new-one', network: 'mtn-ghana', money: { amountMinor: 700n, currency: 'GHS' } } })
    for (const filter of [{ reference: 'new-one' }, { network: 'mtn-ghana' }, { currency: 'GHS', status: 'accepted' }] as const) {
      assert.deepEqual((await list(small, filter)).map(({ id }) => id), [acceptance.payment.id])
      assert.deepEqual(await list(large, filter), [])
    }
  })

  test('of what was written for tests and benchmarks is of a ledger in which nothing is wrong', async () => {
    const { wrong, misheld, payments } = await checkLedger(database.open('ngome_auditor', { poolMax: 1 }))
    assert.deepEqual([wrong, misheld], [[], []])
    assert.equal(payments, count + 3)
  })
})
