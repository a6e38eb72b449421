import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import { after, before, beforeEach, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { CardAcquirerSimulator, type SimulatorAnswer } from '@ngome/testkit'
import { AcquirerMerchant, paymentBody } from './testing/acquirer-merchant.ts'

const good = '4242424242424242'
const challenged = '4000000000000119'
const decideAfterMs = 100
/** How long somebody waits here for an answer that does not come. */
const patienceMs = 300

type Claim = { readonly reference: string; readonly order: string; readonly status: string; readonly code: string | null }

let simulator: CardAcquirerSimulator
let merchant: AcquirerMerchant
let receiver: Server
let callbackUrl: string
let bodies: string[] = []

before(async () => {
  simulator = await CardAcquirerSimulator.start({
    DECIDE_AFTER_MS: String(decideAfterMs), DELAYED_AFTER_MS: '60000', CHALLENGE_FOR_MS: '60000', CALLS_PER_SECOND_MAX: '1000',
  })
  merchant = new AcquirerMerchant(simulator, await simulator.provision())
  receiver = createServer((request, response) => {
    let text = ''
    request.setEncoding('utf8').on('data', (chunk: string) => { text += chunk })
    request.on('end', () => {
      bodies.push(text)
      response.end()
    })
  })
  await new Promise<void>((resolve) => { receiver.listen(0, '127.0.0.1', resolve) })
  callbackUrl = `http://127.0.0.1:${(receiver.address() as { readonly port: number }).port}/cb`
})
after(async () => {
  await simulator.stop()
  receiver.close()
})
beforeEach(async () => {
  bodies = []
  await simulator.script([])
})

const called = (number = good): ReturnType<typeof paymentBody> => paymentBody(number, { callback_url: callbackUrl })
const statusOf = ({ body }: SimulatorAnswer): unknown => (body as { readonly status: unknown }).status
const isTaken = async (reference: string): Promise<boolean> => (await simulator.orders()).some((order) => order.reference === reference)

/** What this merchant can prove of what it was told; `undefined` of what it cannot. */
function proven(text: string): Claim | undefined {
  const { claim, signature } = JSON.parse(text) as { readonly claim: string; readonly signature: string }
  const expected = createHmac('sha256', merchant.secret).update(`callback\n${claim}`).digest('hex')
  return expected === signature ? JSON.parse(claim) as Claim : undefined
}
async function untilCalledBack(times: number): Promise<readonly string[]> {
  for (let turns = 0; bodies.length < times && turns < 500; turns++) await sleep(10)
  return bodies
}
async function untilEnded(reference: string): Promise<unknown> {
  for (let turns = 0; turns < 500 && statusOf(await merchant.show(reference)) === 'processing'; turns++) await sleep(10)
  return statusOf(await merchant.show(reference))
}

/** The raw answer, where it may be no JSON, or may never come. */
async function answerTo(body: ReturnType<typeof paymentBody>): Promise<{ readonly status: number; readonly text: string } | 'none'> {
  const headers = merchant.headersOf({ method: 'POST', path: '/v1/payments', reference: body.reference, body })
  return rawAnswer('/v1/payments', { method: 'POST', headers: { ...headers, 'content-type': 'application/json' }, body: JSON.stringify(body) })
}
async function shownOf(reference: string): Promise<{ readonly status: number; readonly text: string } | 'none'> {
  const path = `/v1/payments/${reference}`
  return rawAnswer(path, { headers: merchant.headersOf({ method: 'GET', path, reference }) })
}
async function rawAnswer(path: string, init: RequestInit): Promise<{ readonly status: number; readonly text: string } | 'none'> {
  try {
    const answer = await fetch(`${simulator.url}${path}`, { ...init, signal: AbortSignal.timeout(patienceMs) })
    return { status: answer.status, text: await answer.text() }
  } catch {
    return 'none'
  }
}

describe('requests', () => {
  const ways: readonly (readonly [manner: object, answered: number | 'none', taken: boolean])[] = [
    [{ kind: 'answer', status: 429 }, 429, false],
    [{ kind: 'hang' }, 'none', false],
    [{ kind: 'garbage' }, 200, false],
    [{ kind: 'take_and_hang' }, 'none', true],
    [{ kind: 'take_and_answer', status: 503 }, 503, true],
    [{ kind: 'take_and_answer_late', delayMs: 2 * patienceMs }, 'none', true],
    [{ kind: 'redirect', url: 'https://evil.example/' }, 201, true],
  ]
  for (const [manner, answered, taken] of ways) {
    test(`${JSON.stringify(manner)}: answers ${answered}, ${taken ? 'takes it' : 'takes nothing'}, and the next is as it should be`, async () => {
      await simulator.script([{ on: 'request', do: manner, times: 1 }])
      const body = called()
      const answer = await answerTo(body)
      assert.deepEqual([answer === 'none' ? answer : answer.status, await isTaken(body.reference)], [answered, taken])
      assert.equal((await merchant.pay(body)).status, 201)
      assert.equal((await simulator.orders()).filter(({ reference }) => reference === body.reference).length, 1)
    })
  }

  test('answer_then_take: answers an error, and takes it later all the same', async () => {
    await simulator.script([{ on: 'request', do: { kind: 'answer_then_take', status: 500, delayMs: patienceMs }, times: 1 }])
    const body = called()
    const answer = await answerTo(body)
    assert.deepEqual([answer === 'none' ? answer : answer.status, await isTaken(body.reference)], [500, false])
    for (let turns = 0; turns < 500 && !await isTaken(body.reference); turns++) await sleep(10)
    assert.equal(await untilEnded(body.reference), 'succeeded')
  })

  test('a refund that waits in that queue gives back nothing that another gave back meanwhile', async () => {
    const body = paymentBody(good)
    await merchant.pay(body)
    await untilEnded(body.reference)
    await simulator.script([{ on: 'request', do: { kind: 'answer_then_take', status: 500, delayMs: patienceMs }, operation: 'refund', times: 1 }])
    assert.deepEqual([(await merchant.refund(body.reference, '500')).status, (await merchant.refund(body.reference, '500')).status], [500, 201])
    await sleep(2 * patienceMs)
    assert.equal((await simulator.orders()).filter(({ original }) => original === body.reference).length, 1)
  })

  test('redirect: sends the payer where the script says', async () => {
    await simulator.script([{ on: 'request', do: { kind: 'redirect', url: 'https://evil.example/' } }])
    const { body } = await merchant.pay(paymentBody(good))
    assert.deepEqual((body as { readonly action: unknown }).action, { type: 'redirect', url: 'https://evil.example/' })
  })

  test('only of the card and the operation that a rule names, and as often as the seed says', async () => {
    await simulator.script([{ on: 'request', do: { kind: 'answer', status: 503 }, payer: '5555555555554444' }, { on: 'request', do: { kind: 'answer', status: 502 }, operation: 'refund' }])
    const other = paymentBody('5555555555554444')
    const body = paymentBody(good)
    assert.deepEqual([(await merchant.pay(other)).status, (await merchant.pay(body)).status], [503, 201])
    await untilEnded(body.reference)
    assert.equal((await merchant.refund(body.reference, '1')).status, 502)
    const run = async (seed: number): Promise<readonly number[]> => {
      await simulator.script([{ on: 'request', do: { kind: 'answer', status: 500 }, share: 0.5 }], seed)
      const statuses: number[] = []
      for (let turn = 0; turn < 12; turn++) statuses.push((await merchant.pay(paymentBody(good))).status)
      return statuses
    }
    const first = await run(7)
    assert.deepEqual([await run(7), new Set(first).size], [first, 2])
  })
})

describe('enquiries', () => {
  const ways: readonly (readonly [manner: object, answered: number | 'none', shown: string | undefined])[] = [
    [{ kind: 'answer', status: 502 }, 502, undefined],
    [{ kind: 'hang' }, 'none', undefined],
    [{ kind: 'not_found' }, 404, undefined],
    [{ kind: 'garbage' }, 200, undefined],
    [{ kind: 'ambiguous' }, 200, 'unknown'],
    [{ kind: 'processing' }, 200, 'processing'],
    [{ kind: 'redirect', url: 'https://evil.example/' }, 200, 'requires_action'],
  ]
  for (const [manner, answered, shown] of ways) {
    test(`${JSON.stringify(manner)}: of what has ended, then the truth`, async () => {
      const body = paymentBody(good)
      await merchant.pay(body)
      await untilEnded(body.reference)
      await simulator.script([{ on: 'enquiry', do: manner, times: 1 }])
      const answer = await shownOf(body.reference)
      assert.equal(answer === 'none' ? answer : answer.status, answered)
      if (shown !== undefined) assert.equal(answer === 'none' ? answer : (JSON.parse(answer.text) as { readonly status: string }).status, shown)
      assert.equal(statusOf(await merchant.show(body.reference)), 'succeeded')
    })
  }

  test('another: of an order that was not asked about', async () => {
    const [body, other] = [paymentBody(good), paymentBody(good)]
    for (const one of [body, other]) await merchant.pay(one)
    await simulator.script([{ on: 'enquiry', do: { kind: 'another' } }])
    const { reference } = (await merchant.show(body.reference)).body as { readonly reference: string }
    assert.notEqual(reference, body.reference)
  })
})

describe('callbacks', () => {
  const ways: readonly (readonly [kind: string | undefined, number: string, told: readonly (string | undefined)[]])[] = [
    [undefined, good, ['succeeded']],
    [undefined, '4000000000000002', ['failed']],
    ['twice', good, ['succeeded', 'succeeded']],
    ['lie', good, ['failed']],
    ['lie', '4000000000000002', ['succeeded']],
    ['forge', good, [undefined]],
    ['out_of_order', good, ['succeeded', 'processing']],
    ['before_answer', good, ['succeeded']],
    [undefined, '4000000000000184', ['succeeded', 'succeeded']],
    [undefined, '4000000000000192', [undefined]],
    [undefined, '4000000000000200', ['succeeded']],
  ]
  for (const [kind, number, told] of ways) {
    test(`${kind ?? 'without a script'}, for ${number}: ${told.map((status) => status ?? 'nothing that is proven').join(', then ')}`, async () => {
      await simulator.script(kind === undefined ? [] : [{ on: 'callback', do: { kind } }])
      const body = called(number)
      await merchant.pay(body)
      const claims = (await untilCalledBack(told.length)).map(proven)
      assert.deepEqual(claims.map((claim) => claim?.status), told)
      assert.ok(claims.every((claim) => claim === undefined || (claim.reference === body.reference && claim.order === 'pay_1')))
    })
  }

  test('garbage is no JSON', async () => {
    await simulator.script([{ on: 'callback', do: { kind: 'garbage' } }])
    await merchant.pay(called())
    const [text = ''] = await untilCalledBack(1)
    assert.throws(() => JSON.parse(text))
  })

  for (const [what, rules, number] of [
    ['lost', [{ on: 'callback', do: { kind: 'drop' }, times: 1 }], good],
    ['late', [{ on: 'callback', do: { kind: 'late', delayMs: 60_000 }, times: 1 }], good],
    ['that its card never has', [], '4000000000000218'],
  ] as const) {
    test(`one that is ${what} is not the next one's`, async () => {
      await simulator.script(rules)
      const [silent, told] = [called(number), called()]
      await merchant.pay(silent)
      await untilEnded(silent.reference)
      await merchant.pay(told)
      assert.deepEqual((await untilCalledBack(1)).map((text) => proven(text)?.reference), [told.reference])
    })
  }

  test('before the answer, and the answer has the end', async () => {
    await simulator.script([{ on: 'callback', do: { kind: 'before_answer' } }])
    const answer = await merchant.pay(called())
    assert.deepEqual([bodies.length, statusOf(answer)], [1, 'succeeded'])
  })

  test('of a challenge, before the payer is sent back', async () => {
    const { body } = await merchant.pay(called(challenged))
    await simulator.script([{ on: 'callback', do: { kind: 'before_answer' } }])
    const { action: { url } } = body as { readonly action: { readonly url: string } }
    assert.equal((await fetch(url, { method: 'POST', body: new URLSearchParams({ answer: 'pass' }), redirect: 'manual' })).status, 303)
    assert.deepEqual(bodies.map((text) => proven(text)?.status), ['succeeded'])
  })
})

test('the report has every order of the books, in its currency\'s digits, as it stands', async () => {
  const orders = [
    paymentBody(good, { amount_minor: '12345' }), paymentBody('4000000000000002', { amount_minor: '5' }), paymentBody(challenged),
    paymentBody(good, { amount_minor: '700', currency: 'UGX' }),
  ] as const
  for (const one of orders) {
    await merchant.pay(one)
    await untilEnded(one.reference)
  }
  await merchant.refund(orders[0].reference, '45')
  const lines = (await simulator.report()).trimEnd().split('\r\n').map((line) => line.split(','))
  assert.deepEqual(lines[0], ['Date', 'Type', 'Status', 'Amount', 'Currency', 'Reference', 'Transaction Id'])
  assert.equal(lines.length, (await simulator.orders()).length + 1)
  const rowsOf = (reference: string) => lines.filter((line) => line[5] === reference).map((line) => line.slice(1, 5))
  assert.deepEqual(orders.map(({ reference }) => rowsOf(reference)), [
    [['payment', 'succeeded', '123.45', 'EUR']], [['payment', 'failed', '0.05', 'EUR']], [['payment', 'pending', '5.00', 'EUR']],
    [['payment', 'succeeded', '700', 'UGX']],
  ])
  const paid = (await simulator.orders()).find(({ reference }) => reference === orders[0].reference)
  assert.ok(lines.some((line) => line[1] === 'refund' && line[3] === '0.45'))
  await simulator.dispute(paid?.id ?? '')
  assert.ok((await simulator.report()).includes(`payment,reversed,123.45,EUR,${orders[0].reference},${paid?.id}`))
  const shillings = (await simulator.report('?currency=UGX')).trimEnd().split('\r\n')
  assert.ok(shillings.length === 2 && shillings[1]?.includes(',UGX,'))
})

test('a script that it does not understand is refused, and the one before stays', async () => {
  await simulator.script([{ on: 'request', do: { kind: 'answer', status: 503 } }])
  for (const rules of [
    [{ on: 'request', do: { kind: 'explode' } }], [{ on: 'token', do: { kind: 'hang' } }], [{ on: 'callback', do: { kind: 'late' } }],
    [{ on: 'request', do: { kind: 'answer', status: 200 } }], [{ on: 'enquiry', do: { kind: 'hang' }, payer: 'somebody' }], 'all of it',
  ]) {
    assert.equal((await simulator.call({ method: 'POST', path: '/simulator/script', body: { rules } })).status, 400, JSON.stringify(rules))
  }
  assert.equal((await merchant.pay(paymentBody(good))).status, 503)
})

test('keeps a cap on calls, for each account', async () => {
  const capped = await CardAcquirerSimulator.start({ CALLS_PER_SECOND_MAX: '5' })
  try {
    const [one, other] = [new AcquirerMerchant(capped, await capped.provision()), new AcquirerMerchant(capped, await capped.provision())]
    const answers = await Promise.all(Array.from({ length: 8 }, () => one.show(crypto.randomUUID())))
    assert.deepEqual(answers.map(({ status }) => status).toSorted((a, b) => a - b), [...Array<number>(5).fill(404), 429, 429, 429])
    assert.equal((await other.show(crypto.randomUUID())).status, 404)
  } finally {
    await capped.stop()
  }
})
