import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ManualClock, newId, systemRandom, type ApiKeyId, type MerchantId } from '@ngome/kernel'
import { agentsMax, addressesMax, keysMax, linesMax, linesPerKeyMax } from './bounds.ts'
import { DistinctSketch } from './distinct-sketch.ts'
import { plainAgent } from './plain-agent.ts'
import { UsageRecorder, type HeardRequest } from './recorder.ts'
import { usageBatch } from './write-usage.ts'

const clock = new ManualClock(1_780_000_000_000)
const from = { clock, random: systemRandom }
const merchant = newId('merchant', from) satisfies MerchantId
const tenant = { merchant, world: 'test' } as const
const newKey = (): ApiKeyId => newId('apiKey', from)

function request(key: ApiKeyId | null, over: Partial<HeardRequest> = {}): HeardRequest {
  return {
    requestId: newId('request', from), url: '/v1/payments', faultCode: null, caller: key === null ? null : { apiKey: key, tenant },
    socket: { remoteAddress: '::ffff:41.210.128.1' }, headers: { 'user-agent': 'shop/1.0' }, ...over,
  }
}

test('counts of one key and minute come out as they went in, and only once', () => {
  const recorder = new UsageRecorder(from)
  const key = newKey()
  recorder.onAnswer('getPayment', 200, 1.5, request(key))
  recorder.onAnswer('getPayment', 404, 0.5, request(key, { url: '/v1/payments/pay_1' }))
  recorder.onAnswer('getPayment', 404, 0.5, request(key, { url: '/v1/payments/pay_1' }))
  recorder.onAnswer('createPayment', 503, 2, request(key))
  const { counts, facets, lines } = usageBatch(recorder.take(), () => 'UG')
  const [reads, writes] = counts
  assert.deepEqual({ ...reads, merchant: '', api_key: '' }, {
    merchant: '', world: 'test', api_key: '', at: new Date(1_780_000_000_000 - 1_780_000_000_000 % 60_000).toISOString(), operation: 'getPayment',
    requests: 3, refused: 2, failed: 0, not_found: 2, missed_ids: 1, payers: 0, unauthenticated: 0, unlogged: 0,
    latency_us: 2_500, latency_max_us: 1_500,
  })
  assert.equal(writes?.failed, 1)
  assert.deepEqual(facets.map(({ facet, value, requests }) => [facet, value, requests]),
    [['address', '41.210.128.1', 4], ['country', 'UG', 4], ['agent', 'shop/1.0', 4]])
  assert.equal(lines.length, 4)
  assert.deepEqual([...usageBatch(recorder.take(), () => null).counts], [])
})

test('an id that was missed before the counts were taken is not missed anew within the minute', () => {
  const recorder = new UsageRecorder(from)
  const key = newKey()
  const miss = (): number | undefined => {
    recorder.onAnswer('getPayment', 404, 1, request(key, { url: '/v1/payments/pay_2' }))
    return usageBatch(recorder.take(), () => null).counts[0]?.missed_ids
  }
  assert.deepEqual([miss(), miss()], [1, 0])
  clock.advance(60_000)
  assert.equal(miss(), 1)
})

test('a clock that is set back and comes forward again within a batch counts each minute of a key once', () => {
  fc.assert(fc.property(fc.array(fc.constantFrom(-120_000, -60_000, 0, 60_000), { maxLength: 40 }), (steps) => {
    const recorder = new UsageRecorder(from)
    const key = newKey()
    for (const byMs of steps) {
      clock.advance(byMs)
      recorder.onAnswer('getPayment', 200, 1, request(key))
    }
    const { counts, facets } = usageBatch(recorder.take(), () => null)
    for (const rows of [counts.map(({ at }) => at), facets.map(({ at, facet, value }) => `${at} ${facet} ${value}`)]) {
      assert.equal(new Set(rows).size, rows.length, 'the store refuses a batch with a row twice')
    }
    assert.equal(counts.reduce((sum, { requests }) => sum + requests, 0), steps.length)
  }))
})

test('who does not prove a key is counted for it apart from its use, and once', () => {
  const recorder = new UsageRecorder(from)
  const id = newKey()
  const refused = request(null, { faultCode: 'access/unauthenticated' })
  recorder.onRefused({ id, tenant }, refused.socket)
  recorder.onAnswer('getPayment', 401, 1, refused)
  recorder.onAnswer('getPayment', 401, 1, refused)
  recorder.onRefused(undefined, refused.socket)
  recorder.onAnswer('getPayment', 401, 1, refused)
  const { counts, facets, lines } = usageBatch(recorder.take(), () => null)
  assert.deepEqual([counts.length, counts[0]?.requests, counts[0]?.unauthenticated, facets.length], [1, 0, 1, 0])
  assert.deepEqual(lines.map(({ fault, status }) => [fault, status]), [['access/unauthenticated', 401]])
})

test('whatever comes, memory stays within its bounds, and no request goes uncounted', () => {
  fc.assert(fc.property(fc.array(fc.record({
    key: fc.nat(4), address: fc.ipV6(), agent: fc.string(), count: fc.integer({ min: 1, max: 400 }), waitMs: fc.constantFrom(0, 61_000),
  }), { maxLength: 60 }), (steps) => {
    const recorder = new UsageRecorder(from)
    const keys = Array.from({ length: 5 }, newKey)
    let sent = 0
    for (const { key, address, agent, count, waitMs } of steps) {
      clock.advance(waitMs)
      for (let at = 0; at < count; at++) {
        recorder.onAnswer('listPayments', 200, 1, request(keys[key] ?? null, {
          socket: { remoteAddress: address }, headers: { 'user-agent': `${agent}${at}` },
        }))
        sent++
      }
    }
    const heard = recorder.take()
    for (const minute of heard.minutes) {
      assert.ok(minute.addresses.size <= addressesMax + 1 && minute.agents.size <= agentsMax + 1)
      assert.ok(minute.lines <= linesPerKeyMax)
    }
    const { counts, lines } = usageBatch(heard, () => null)
    assert.equal(counts.reduce((sum, { requests }) => sum + requests, 0), sent)
    assert.equal(lines.length + counts.reduce((sum, { unlogged }) => sum + unlogged, 0), sent)
  }), { numRuns: 30 })
})

test('a flood of keys and of lines grows nothing past its bound, and what is lost is counted', () => {
  const recorder = new UsageRecorder(from)
  const one = request(null)
  for (let at = 0; at < keysMax + 500; at++) {
    recorder.onAnswer('getPayment', 404, 1, { ...one, caller: { apiKey: `key_${at}` as ApiKeyId, tenant } })
    recorder.onAnswer('getPayment', 404, 1, { ...one, caller: { apiKey: `key_${at}` as ApiKeyId, tenant } })
  }
  const { minutes, sketches, lines } = recorder.size
  assert.ok(minutes <= keysMax && sketches <= keysMax && lines <= linesMax)
  assert.equal(recorder.take().lost, 1_000)
})

test('different values are counted to within a third up to two thousand', () => {
  for (const different of [10, 100, 1_000, 2_000]) {
    const recorder = new UsageRecorder(from)
    const key = newKey()
    for (let at = 0; at < 2 * different; at++) {
      recorder.onAnswer('getPayment', 404, 1, request(key, { url: `/v1/payments/pay_${at % different}` }))
    }
    const missed = usageBatch(recorder.take(), () => null).counts[0]?.missed_ids ?? 0
    assert.ok(missed <= different && missed >= different * 0.4, `${missed} of ${different}`)
  }
  const sketch = new DistinctSketch()
  assert.deepEqual([sketch.add(5), sketch.add(5), sketch.add(1_029)], [true, false, false])
  sketch.clear()
  assert.equal(sketch.add(5), true)
})

const agents: readonly (readonly [string | undefined, string | null])[] = [
  ['shop/1.0 (Linux; Node 22)', 'shop/1.0 (Linux; Node 22)'],
  [undefined, null],
  ['', null],
  ['curl ngome_sk_test_01k8z3f7q2e9d8m4n6p0r5s7tv_AAAA', 'curl [redacted]'],
  ['shop Bearer abcdef', 'shop [redacted]'],
  ['shop +256772123456', 'shop [redacted]'],
  ['shop whsec_ymeCvefRKLIFP01jGYTXUWKDzCj2jo/O61s6mqa7p7c=', 'shop [redacted]'],
  ['shop eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.c2ln', 'shop [redacted]'],
  ['shop 4111_1111_1111_1111', 'shop [redacted]'],
  ['shop 0772 123 456', 'shop [redacted]'],
  ['shop tok_01k8z3f7q2e9d8m4n6p0r5s7tv', 'shop [redacted]'],
  ['=cmd|\u0007x', '=cmd|x'],
  ['z'.repeat(500), 'z'.repeat(64)],
]
for (const [agent, kept] of agents) test(`of the agent ${JSON.stringify(agent?.slice(0, 40))} is kept ${kept?.slice(0, 40)}`, () => assert.equal(plainAgent(agent), kept))
