import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { idCreatedAtMs, type PaymentId } from '@ngome/kernel'
import { problemIn } from '../testing/problem-in.ts'
import { TestGateway, type TestMerchant } from '../testing/test-gateway.ts'

let running: TestGateway
let merchant: TestMerchant
/** The oldest first. */
const made: { readonly id: string; readonly created_at: string; readonly reference: string }[] = []

before(async () => {
  running = await TestGateway.start()
  merchant = await running.addMerchant()
  for (let at = 0; at < 6; at++) {
    const body = { amount: '5.00', currency: 'EUR', network: 'mtn-sandbox', payer: { phone: '+46733198765' }, reference: `order-${at % 3}` }
    const answer = await merchant.client.call({ method: 'POST', path: '/v1/payments', body, idempotencyKey: `s-${at}` })
    assert.equal(answer.status, 201, answer.text)
    made.push(JSON.parse(answer.text) as (typeof made)[number])
  }
})
after(() => running.close())

type Page = { readonly data: readonly { readonly id: string }[]; readonly next_cursor: string | null }
async function found(query: string, as = merchant): Promise<Page> {
  const answer = await as.client.call({ path: `/v1/payments?${encoded(query)}` })
  assert.equal(answer.status, 200, answer.text)
  return JSON.parse(answer.text) as Page
}
/** As a target is to be written: colons and pluses encoded. */
const encoded = (query: string): string => query.replaceAll(':', '%3A').replaceAll('+', '%2B')
const idsOf = ({ data }: Page): readonly string[] => data.map(({ id }) => id)
const wanted = (is: (one: (typeof made)[number], at: number) => boolean): readonly string[] => made.filter(is).map(({ id }) => id).toReversed()

describe('searching payments', () => {
  test('by reference finds exactly those, and of another merchant none', async () => {
    assert.deepEqual(idsOf(await found('reference=order-1')), wanted(({ reference }) => reference === 'order-1'))
    for (const none of ['order', 'order-', 'order-11', 'ORDER-1']) assert.deepEqual(idsOf(await found(`reference=${none}`)), [])
    assert.deepEqual(idsOf(await found('reference=order-1', await running.addMerchant())), [])
  })

  test('by time has the first moment in it and the last not, in any offset', async () => {
    const [, , third, , fifth] = made
    assert.ok(third !== undefined && fifth !== undefined)
    const between = wanted(({ created_at: at }) => at >= third.created_at && at < fifth.created_at)
    assert.ok(between.includes(third.id) && !between.includes(fifth.id))
    assert.deepEqual(idsOf(await found(`created_after=${third.created_at}&created_before=${fifth.created_at}`)), between)
    const elsewhere = new Date(Date.parse(third.created_at) + 3 * 3_600_000).toISOString().replace('Z', '+03:00')
    assert.deepEqual(idsOf(await found(`created_after=${elsewhere}&created_before=${fifth.created_at}`)), between)
    for (const { id, created_at: at } of made) assert.equal(idCreatedAtMs(id as PaymentId), Date.parse(at), 'an id is of the moment that is shown')
  })

  test('by all of them together goes on by cursors, each good for its own search alone', async () => {
    const search = 'status=accepted&network=mtn-sandbox&currency=EUR&reference=order-2'
    const first = await found(`${search}&limit=1`)
    const second = await found(`${search}&limit=1&cursor=${first.next_cursor ?? ''}`)
    assert.deepEqual([...idsOf(first), ...idsOf(second)], wanted(({ reference }) => reference === 'order-2'))
    assert.equal(second.next_cursor, null)
    for (const other of ['', 'status=accepted', search.replace('order-2', 'order-1'), `${search}&created_after=2020-01-01T00:00:00Z`]) {
      const answer = await merchant.client.call({ path: encoded(`/v1/payments?${other}&cursor=${first.next_cursor ?? ''}`).replace('?&', '?') })
      assert.deepEqual([answer.status, problemIn(answer).code], [422, 'request/invalid'], other)
    }
    for (const none of ['status=failed', 'network=airtel-uganda', 'currency=UGX']) assert.deepEqual(idsOf(await found(`reference=order-2&${none}`)), [])
  })

  const refused: readonly (readonly [query: string, pointer: string])[] = [
    ['reference=', '/reference'], ['reference=a%20b', '/reference'], ['reference=%27%20OR%201', '/reference'], [`reference=${'a'.repeat(65)}`, '/reference'],
    ['network=MTN', '/network'], ['network=', '/network'], ['currency=eur', '/currency'], ['currency=ZZZ', '/currency'], ['status=paid', '/status'],
    ['created_after=yesterday', '/created_after'], ['created_after=2026-11-22', '/created_after'], ['created_after=2026-02-30T00:00:00Z', '/created_after'],
    ['created_after=2026-11-22T00:00:00', '/created_after'], ['created_after=2026-11-22T00:00:00.123456Z', '/created_after'],
    ['created_before=1', '/created_before'], ['created_after=2026-11-22T00:00:00Z&created_before=2026-11-22T00:00:00Z', '/created_before'],
    ['created_after=2026-11-23T00:00:00Z&created_before=2026-11-22T00:00:00Z', '/created_before'],
    ['amount=5.00', ''], ['payer=%2B46733198765', ''], ['reference=a&reference=b', '/reference'],
  ]
  for (const path of ['/v1/payments', '/v1/payouts', '/v1/refunds']) {
    test(`refuses on ${path} what is no search, and says where`, async () => {
      for (const [query, pointer] of refused) {
        const answer = await merchant.client.call({ path: `${path}?${encoded(query)}` })
        assert.equal(answer.status, 422, query)
        assert.deepEqual([problemIn(answer).code, problemIn(answer).errors?.[0]?.pointer], ['request/invalid', pointer], query)
      }
    })
  }

  test('takes times before and after all that ids can hold', async () => {
    assert.equal(idsOf(await found('created_after=0001-01-01T00:00:00Z')).length, made.length)
    assert.deepEqual(idsOf(await found('created_before=1969-12-31T23:59:59Z')), [])
    assert.deepEqual(idsOf(await found('created_after=9999-12-31T23:59:59Z')), [])
  })

  test('finds payouts and refunds by their own lists', async () => {
    for (const path of ['/v1/payouts', '/v1/refunds']) {
      const answer = await merchant.client.call({ path: `${path}?reference=order-1&status=accepted&network=mtn-sandbox&currency=EUR&created_after=2020-01-01T00%3A00%3A00Z` })
      assert.deepEqual([answer.status, JSON.parse(answer.text)], [200, { object: 'list', data: [], next_cursor: null }])
    }
  })
})
