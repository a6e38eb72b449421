import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { inspect } from 'node:util'
import { Client } from './client.ts'
import {
  AbortedError, AnswerError, AuthenticationError, ConflictError, ConnectionError, IdempotencyError, NgomeError, NotFoundError, PeerError,
  PermissionError, RateLimitError, ServerError, TimeoutError, ValidationError, type AttemptReport, type NgomeOptions,
} from './mod.ts'
import { keyOf } from './testing/key.ts'
import { answerOf, problemOf, VirtualRuntime } from './testing/virtual-runtime.ts'
import type { TransportAnswer } from './transport.ts'

const apiKey = keyOf()
const id = 'whe_01k8z3f7q2e9d8m4n6p0r5s7tv'
const order = { amount: '5.00', currency: 'EUR', network: 'mtn-sandbox', payer: { phone: '+46733123499' }, reference: 'order-42' } as const

function stand(answer: VirtualRuntime['answer'], options: NgomeOptions = {}) {
  const runtime = new VirtualRuntime()
  runtime.answer = answer
  const reports: AttemptReport[] = []
  const client = new Client({ apiKey, baseUrl: 'https://api.example.com', onAttempt: (report) => reports.push(report), ...options }, runtime)
  return { runtime, client, reports }
}

/** What a call came to, with time passing while it runs; an error is a result here. */
async function outcome<T>(runtime: VirtualRuntime, call: Promise<T>, ms = 120_000): Promise<T | NgomeError> {
  const settled = call.catch((error: unknown) => {
    assert.ok(error instanceof NgomeError, String(error))
    return error
  })
  await runtime.pass(ms)
  return settled
}

const cut = (): never => { throw new ConnectionError({ code: 'sdk/connection_failed', message: 'cut' }) }

suite('a call is repeated', () => {
  const causes: readonly (readonly [string, () => TransportAnswer])[] = [
    ['a connection that broke', cut],
    ['408', () => problemOf(408, 'x/timeout')], ['425', () => problemOf(425, 'x/early')], ['429', () => problemOf(429, 'limits/exceeded')],
    ['500', () => problemOf(500, 'gateway/internal')], ['502 of a proxy', () => answerOf(502, 'x', { 'content-type': 'text/html' })],
    ['503', () => problemOf(503, 'store/unavailable')], ['504', () => problemOf(504, 'x/late')],
    ['a request still under way', () => problemOf(409, 'idempotency/in_flight')],
  ]
  for (const [cause, fault] of causes) {
    test(`after ${cause}, under the same idempotency key, until it succeeds`, async () => {
      const { runtime, client, reports } = stand((_, count) => (count < 4 ? fault() : answerOf(201, { id: 'pay_1' })))
      assert.deepEqual(await outcome(runtime, client.payments.create(order)), { id: 'pay_1' })
      assert.equal(runtime.requests.length, 4)
      assert.equal(new Set(runtime.requests.map(({ headers }) => headers['idempotency-key'])).size, 1)
      assert.deepEqual(reports.map(({ attempt }) => attempt), [1, 2, 3, 4])
      assert.equal(runtime.timersLeft, 0)
    })
  }

  test('so often and no more, and then its last error is thrown with its idempotency key', async () => {
    const { runtime, client } = stand(cut, { retriesMax: 2 })
    const error = await outcome(runtime, client.payments.create(order))
    assert.ok(error instanceof ConnectionError)
    assert.deepEqual([runtime.requests.length, error.idempotencyKey], [3, runtime.requests[0]?.headers['idempotency-key']])
  })

  test('not where it was told so', async () => {
    const { runtime, client } = stand(cut, { retriesMax: 0 })
    assert.ok(await outcome(runtime, client.payments.list().first()) instanceof ConnectionError)
    assert.equal(runtime.requests.length, 1)
  })

  test('with each call under a key of its own, unless its caller has one', async () => {
    const { runtime, client } = stand(() => answerOf(201, {}))
    await outcome(runtime, Promise.all([client.payments.create(order), client.payments.create(order), client.payments.create(order, { idempotencyKey: 'mine' })]))
    const keys = runtime.requests.map(({ headers }) => headers['idempotency-key'])
    assert.equal(new Set(keys).size, 3)
    assert.ok(keys.includes('mine'))
  })

  test('after a deletion whose answer was lost, and a thing that is gone then is deleted', async () => {
    const { runtime, client } = stand((_, count) => (count === 1 ? cut() : problemOf(404, 'webhooks/endpoint_unknown')))
    assert.equal(await outcome(runtime, client.webhookEndpoints.delete(id)), undefined)
    const refused = stand((_, count) => problemOf(count === 1 ? 503 : 404, count === 1 ? 'store/unavailable' : 'webhooks/endpoint_unknown'))
    assert.ok(await outcome(refused.runtime, refused.client.webhookEndpoints.delete(id)) instanceof NotFoundError)
  })
})

suite('a call is not repeated', () => {
  const final: readonly (readonly [number, string, new (parts: never) => NgomeError])[] = [
    [400, 'request/malformed', ValidationError], [400, 'idempotency/key_required', IdempotencyError], [401, 'access/unauthenticated', AuthenticationError],
    [403, 'access/merchant_frozen', PermissionError], [404, 'payments/unknown', NotFoundError], [409, 'webhooks/too_many', ConflictError],
    [413, 'request/too_large', ValidationError], [415, 'request/media_type', ValidationError], [422, 'request/invalid', ValidationError],
    [422, 'idempotency/key_reused', IdempotencyError], [418, 'kettle/teapot', NgomeError], [501, 'new/unknown', ServerError],
    [500, 'store/schema_refused', ServerError],
  ]
  for (const [status, code, Class] of final) {
    test(`after ${status} ${code}, which is a ${Class.name}`, async () => {
      const { runtime, client } = stand(() => problemOf(status, code, { 'request-id': 'req_1' }))
      const error = await outcome(runtime, client.payments.create(order))
      assert.ok(error instanceof NgomeError)
      assert.equal(error.constructor, Class)
      assert.deepEqual([error.name, error.code, error.status, error.requestId, runtime.requests.length], [Class.name, code, status, 'req_1', 1])
      assert.equal(error.docs, `https://api.example.com/reference#${code.replace('/', '-')}`)
    })
  }

  test('to a peer that is not the one', async () => {
    const { runtime, client } = stand(() => { throw new PeerError({ code: 'sdk/pin_refused', message: 'no' }) })
    assert.ok(await outcome(runtime, client.payments.list().first()) instanceof PeerError)
    assert.equal(runtime.requests.length, 1)
  })

  const strange: readonly (readonly [string, string, () => TransportAnswer])[] = [
    ['a redirect', 'sdk/redirect_refused', () => answerOf(302, '', { location: 'https://attacker.example' })],
    ['an interim answer', 'sdk/no_problem_document', () => answerOf(199, '')],
    ['a success that is no JSON', 'sdk/answer_malformed', () => ({ ...answerOf(200, {}), body: Uint8Array.from(Buffer.from('<html>')) })],
    ['a success that is no UTF-8', 'sdk/answer_malformed', () => ({ ...answerOf(200, {}), body: Uint8Array.of(0x22, 0xff, 0x22) })],
    ['a problem that is no JSON', 'sdk/answer_malformed', () => ({ ...problemOf(422, 'x/y'), body: Uint8Array.from(Buffer.from('{')) })],
  ]
  for (const [what, code, answer] of strange) {
    test(`after ${what}`, async () => {
      const { runtime, client } = stand(answer)
      const error = await outcome(runtime, client.payments.create(order))
      assert.ok(error instanceof AnswerError)
      assert.deepEqual([error.code, runtime.requests.length], [code, 1])
    })
  }

  test('where a proxy answers in its own words, which are not repeated either', async () => {
    for (const answer of [answerOf(403, 'blocked', { 'content-type': 'text/html' }), answerOf(403, { code: 1 }), answerOf(403, null), answerOf(403, { code: 'x', title: 'y', request_id: 'z', errors: [1] })]) {
      const { runtime, client } = stand(() => answer)
      const error = await outcome(runtime, client.payments.create(order))
      assert.ok(error instanceof PermissionError)
      assert.deepEqual([error.code, runtime.requests.length], ['sdk/no_problem_document', 1])
    }
  })
})

suite('a wait', () => {
  test('is as long as Retry-After says at least, and holds every other call back', async () => {
    const { runtime, client } = stand((_, count) => (count === 1 ? problemOf(429, 'limits/exceeded', { 'retry-after': '7' }) : answerOf(200, { data: [] })))
    const first = client.payments.list().first()
    await runtime.pass(10)
    const second = client.webhookEndpoints.list()
    await outcome(runtime, Promise.all([first, second]))
    const [, ...later] = runtime.requests.map(({ atMs }) => atMs)
    assert.equal(later.length, 2)
    assert.ok(later.every((atMs) => atMs >= 7_000), String(later))
  })

  test('of Retry-After as a date is kept as well', async () => {
    const { runtime, client } = stand((_, count) => (count === 1
      ? problemOf(503, 'store/unavailable', { 'retry-after': new Date(1_800_000_000_000 + 9_000).toUTCString() }) : answerOf(200, {})))
    await outcome(runtime, client.payments.list().first())
    assert.ok((runtime.requests[1]?.atMs ?? 0) >= 9_000)
  })

  test('longer than the call may take ends it at once, and the error says when to come back', async () => {
    const { runtime, client } = stand(() => problemOf(429, 'limits/exceeded', { 'retry-after': '3600' }))
    const error = await outcome(runtime, client.payments.create(order), 10)
    assert.ok(error instanceof RateLimitError)
    assert.deepEqual([error.retryAfterS, runtime.requests.length], [3_600, 1])
    // The next one knows by itself.
    const next = await outcome(runtime, client.payments.create(order), 10)
    assert.ok(next instanceof RateLimitError)
    assert.deepEqual([next.code, next.retryAfterS, runtime.requests.length], ['sdk/rate_limited', 3_600, 1])
  })

  test('follows a spent RateLimit, whichever of the limits is spent', async () => {
    const { runtime, client } = stand((_, count) => answerOf(200, {}, count === 1 ? { ratelimit: '"key";r=0;t=3, "merchant";r=0;t=5' } : {}))
    await outcome(runtime, client.payments.list().first())
    const spentAtMs = runtime.elapsedMs()
    await outcome(runtime, client.payments.list().first())
    assert.equal(runtime.requests.length, 2)
    const { runtime: again, client: other } = stand((_, count) => answerOf(200, {}, count === 1 ? { ratelimit: '"key";r=0;t=3, "merchant";r=0;t=5' } : {}))
    await outcome(again, other.payments.list().first(), 1)
    await outcome(again, other.payments.list().first())
    assert.ok((again.requests[1]?.atMs ?? 0) >= 5_000)
    assert.ok(spentAtMs > 0)
  })
})

suite('a call ends', () => {
  const never = (): Promise<never> => new Promise(() => undefined)
  const untilAborted: VirtualRuntime['answer'] = ({ signal }) => new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(new Error('aborted')))
  })

  test('at its deadline, whatever it waits for, and says that it may have acted', async () => {
    for (const answer of [untilAborted, cut]) {
      const { runtime, client } = stand(answer, { timeoutMs: 5_000, retriesMax: 20 })
      const call = client.payments.create(order, { idempotencyKey: 'k' })
      const error = await outcome(runtime, call, 5_000)
      assert.ok(error instanceof NgomeError)
      assert.equal(error.idempotencyKey, 'k')
      assert.ok(answer === cut ? error instanceof ConnectionError : error instanceof TimeoutError, error.name)
      assert.ok(runtime.elapsedMs() <= 5_000)
      assert.equal(runtime.timersLeft, 0)
    }
  })

  test('an attempt at its own end, and the next one begins', async () => {
    const { runtime, client, reports } = stand((request, count) => (count === 1 ? untilAborted(request, count) : answerOf(200, {})), { attemptTimeoutMs: 1_000 })
    await outcome(runtime, client.payments.list().first())
    assert.deepEqual(reports.map(({ code }) => code), ['sdk/attempt_timeout', undefined])
  })

  test('by its caller\'s signal, before, during and between attempts', async () => {
    const before = stand(() => answerOf(200, {}))
    assert.ok(await outcome(before.runtime, client0(before.client, AbortSignal.abort())) instanceof AbortedError)
    assert.equal(before.runtime.requests.length, 0)
    for (const answer of [untilAborted, () => problemOf(503, 'store/unavailable', { 'retry-after': '30' })]) {
      const { runtime, client } = stand(answer)
      const controller = new AbortController()
      const call = outcome(runtime, client0(client, controller.signal), 100)
      await runtime.pass(50)
      controller.abort(new Error('enough'))
      const error = await call
      assert.ok(error instanceof AbortedError)
      assert.equal((error.cause as Error).message, 'enough')
      assert.equal(runtime.timersLeft, 0)
    }
  })

  function client0(client: Client, signal: AbortSignal): Promise<unknown> {
    return client.payments.list({}, { signal }).first()
  }

  test('where too many wait already, at once', async () => {
    const { runtime, client } = stand(never, { rateLimits: { ratePerS: 1, burst: 2, queueMax: 3 } })
    const calls = Array.from({ length: 1_000 }, () => client.payments.list().first().then(() => 'answered', (error: unknown) => error))
    await runtime.pass(1)
    const settled = await Promise.race([Promise.all(calls.slice(5)), runtime.pass(10).then(() => [])])
    assert.equal(settled.length, 995)
    assert.ok(settled.every((error) => error instanceof RateLimitError && error.code === 'sdk/rate_limited'))
    assert.equal(runtime.requests.length, 2)
    await runtime.pass(200_000)
  })
})

suite('an argument is refused before anything is sent', () => {
  const bad: readonly (readonly [string, (client: Client) => Promise<unknown>, string])[] = [
    ['an amount that is a number', (client) => client.payments.create({ ...order, amount: 5 as unknown as string }), '/amount'],
    ['an amount with a comma', (client) => client.payments.create({ ...order, amount: '5,00' }), '/amount'],
    ['an amount with an exponent', (client) => client.payments.create({ ...order, amount: '1e3' }), '/amount'],
    ['an amount below nothing', (client) => client.payments.create({ ...order, amount: '-5' }), '/amount'],
    ['an amount of nothing', (client) => client.payments.create({ ...order, amount: '0.00' }), '/amount'],
    ['a phone without a country', (client) => client.payments.create({ ...order, payer: { phone: '0733123499' } }), '/payer/phone'],
    ['another kind\'s id', (client) => client.payments.get('tok_01k8z3f7q2e9d8m4n6p0r5s7tv'), 'id'],
    ['an id that climbs', (client) => client.payments.get('pay_../../webhook_endpoints'), 'id'],
    ['an id that climbs, by name of operation', (client) => client.call('getPayment', { params: { id: '../payments' } }), 'id'],
    ['a key with a line end', (client) => client.payments.create(order, { idempotencyKey: 'a\r\nx: y' }), 'idempotencyKey'],
    ['a key of any length', (client) => client.payments.create(order, { idempotencyKey: 'k'.repeat(256) }), 'idempotencyKey'],
    ['a key of nothing', (client) => client.payments.create(order, { idempotencyKey: '' }), 'idempotencyKey'],
    ['a deadline of nothing', (client) => client.payments.create(order, { timeoutMs: Number.NaN }), 'timeoutMs'],
  ]
  for (const [what, call, pointer] of bad) {
    test(what, async () => {
      const { runtime, client } = stand(() => answerOf(200, {}))
      const error = await outcome(runtime, call(client))
      assert.ok(error instanceof ValidationError)
      assert.deepEqual([error.code, error.fields[0]?.pointer, runtime.requests.length], ['sdk/invalid_argument', pointer, 0])
      assert.doesNotMatch(inspect(error), /0733123499/)
    })
  }
})

test('no error and no report holds the key', async () => {
  const answers: readonly VirtualRuntime['answer'][] = [cut, () => problemOf(401, 'access/unauthenticated'), () => answerOf(500, 'x', { 'content-type': 'text/html' })]
  for (const answer of answers) {
    const { runtime, client, reports } = stand(answer)
    const error = await outcome(runtime, client.payments.create(order))
    for (const text of [inspect(error, { depth: 20, showHidden: true }), inspect(reports), JSON.stringify(error)]) {
      assert.ok(!text.includes(apiKey.slice(45)))
    }
  }
})

suite('a forward', () => {
  const forward = 'fwd_01k8z3f7q2e9d8m4n6p0r5s7tv'
  test('is waited for until it is over, look by look', async () => {
    const { runtime, client } = stand((_, count) => answerOf(200, { id: forward, status: count < 4 ? 'sent' : 'answered' }))
    assert.deepEqual(await outcome(runtime, client.forwards.wait(forward, { everyMs: 1 })), { id: forward, status: 'answered' })
    assert.deepEqual(runtime.requests.map(({ atMs }) => atMs), [0, 250, 500, 750])
  })

  test('that does not end is waited for no longer than was said', async () => {
    const { runtime, client } = stand(() => answerOf(200, { id: forward, status: 'accepted' }))
    const error = await outcome(runtime, client.forwards.wait(forward, { waitMs: 5_000 }))
    assert.ok(error instanceof TimeoutError)
    assert.deepEqual([error.code, runtime.requests.length], ['sdk/wait_timeout', 5])
  })
})

test('a list whose cursor leads to itself ends', async () => {
  const { runtime, client } = stand(() => answerOf(200, { object: 'list', data: [{ id: 1 }], next_cursor: 'round' }))
  const seen = Array.fromAsync(client.payments.list())
  await runtime.pass(1_000)
  assert.equal((await seen).length, 2)
})
