import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { parseCardNumber } from '@ngome/payments'
import { CardAcquirerSimulator, type SimulatorAnswer } from '@ngome/testkit'
import { testCards } from './test-cards.ts'
import { AcquirerMerchant, paymentBody, returnUrl, type Signed } from './testing/acquirer-merchant.ts'

let simulator: CardAcquirerSimulator
let merchant: AcquirerMerchant

before(async () => {
  simulator = await CardAcquirerSimulator.start({ DECIDE_AFTER_MS: '0', DELAYED_AFTER_MS: '60000', CALLS_PER_SECOND_MAX: '1000' })
  merchant = new AcquirerMerchant(simulator, await simulator.provision())
})
after(() => simulator.stop())

const codeOf = ({ status, body }: SimulatorAnswer): unknown => [status, (body as { code: string | null }).code]
const challengeOf = async (number = '4000000000000119'): Promise<string> => {
  const { body } = await merchant.pay(paymentBody(number))
  return (body as { action: { url: string } }).action.url
}

test('every test number has a valid check digit, once', () => {
  assert.equal(new Set(testCards.map(({ number }) => number)).size, testCards.length)
  for (const { number } of testCards) assert.equal(parseCardNumber(number)?.digits, number)
})

const forged: readonly [string, (signed: Signed) => Record<string, string>][] = [
  ['nobody\'s signature', () => ({})],
  ['another secret', (signed) => merchant.headersOf({ ...signed, secret: 'x' })],
  ['another path', (signed) => merchant.headersOf({ ...signed, path: '/v1/refunds' })],
  ['another method', (signed) => merchant.headersOf({ ...signed, method: 'GET' })],
  ['another reference', (signed) => ({ ...merchant.headersOf(signed), 'idempotency-key': crypto.randomUUID() })],
  ['another body', (signed) => merchant.headersOf({ ...signed, body: { ...signed.body, amount_minor: '1' } })],
  ['a recording of before', (signed) => merchant.headersOf({ ...signed, atS: Math.floor(Date.now() / 1_000) - 301 })],
  ['a time that is to come', (signed) => merchant.headersOf({ ...signed, atS: Math.floor(Date.now() / 1_000) + 302 })],
  ['an account that there is not', (signed) => ({ ...merchant.headersOf(signed), 'acquirer-account': 'acc-none' })],
]
for (const [what, headers] of forged) {
  test(`takes nothing under ${what}`, async () => {
    const body = paymentBody('4242424242424242')
    const signed: Signed = { method: 'POST', path: '/v1/payments', reference: body.reference, body }
    assert.deepEqual(codeOf(await simulator.call({ method: 'POST', path: '/v1/payments', headers: headers(signed), body })), [401, 'signature_refused'])
    assert.equal((await simulator.orders()).some(({ reference }) => reference === body.reference), false)
  })
}

for (const [what, number] of [['a number of nobody\'s tests', '4111111111111111'], ['one that is refused at the door', '4000000000000242']] as const) {
  test(`takes no ${what}, and repeats it nowhere`, async () => {
    const answer = await merchant.pay(paymentBody(number))
    assert.deepEqual(codeOf(answer), [422, 'card_not_supported'])
    assert.equal(JSON.stringify([answer, await simulator.orders()]).includes(number), false)
  })
}

test('one reference is one order, and another order under it is refused', async () => {
  const body = paymentBody('4242424242424242')
  const [first, again] = [await merchant.pay(body), await merchant.pay(body)]
  assert.deepEqual([first.status, again.status, (again.body as { id: string }).id], [201, 201, (first.body as { id: string }).id])
  assert.deepEqual(codeOf(await merchant.pay({ ...body, amount_minor: '501' })), [409, 'reference_reused'])
  assert.equal((await simulator.orders()).filter(({ reference }) => reference === body.reference).length, 1)
})

test('refunds give back no more than came, of what succeeded', async () => {
  const body = paymentBody('4242424242424242')
  await merchant.pay(body)
  const refund = (amount: string, of = body.reference) => merchant.refund(of, amount)
  assert.deepEqual([(await refund('300')).status, codeOf(await refund('201')), (await refund('200')).status], [201, [422, 'refund_exceeds'], 201])
  const late = paymentBody('4000000000000176')
  await merchant.pay(late)
  assert.deepEqual(codeOf(await refund('1', late.reference)), [422, 'not_refundable'])
  assert.deepEqual(codeOf(await refund('1', crypto.randomUUID())), [422, 'not_refundable'])
})

test('two refunds at once give back no more than came', async () => {
  const body = paymentBody('4242424242424242')
  await merchant.pay(body)
  const answers = await Promise.all(Array.from({ length: 8 }, () => merchant.refund(body.reference, '200')))
  assert.deepEqual(answers.map(({ status }) => status).toSorted((a, b) => a - b), [201, 201, 422, 422, 422, 422, 422, 422])
})

test('the bank\'s page runs no script, is framed by nobody, and asks in words', async () => {
  const page = await fetch(await challengeOf())
  const policy = page.headers.get('content-security-policy') ?? ''
  for (const part of ["default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self' https://shop.example", "style-src 'sha256-"]) assert.ok(policy.includes(part), policy)
  const html = await page.text()
  assert.ok(!/<script|\son[a-z]+=|style="/i.test(html))
  for (const part of ['<html lang="en">', '<title>', '<h1>', '<main>', 'name="viewport"']) assert.ok(html.includes(part), part)
  assert.deepEqual([page.headers.get('referrer-policy'), page.headers.get('cache-control')], ['no-referrer', 'no-store'])
})

test('a challenge is answered once, leads to the order\'s own address, and tells nothing there', async () => {
  const url = await challengeOf()
  const answer = (value: string, to = url): Promise<Response> => fetch(to, { method: 'POST', body: new URLSearchParams({ answer: value, return_url: 'https://evil.example/' }), redirect: 'manual' })
  assert.equal((await answer('maybe')).status, 422)
  const back = await answer('pass', `${url}?return_url=https://evil.example/`)
  assert.deepEqual([back.status, back.headers.get('location')], [303, returnUrl])
  assert.deepEqual([(await answer('fail')).status, (await fetch(url)).status], [410, 410])
  assert.equal((await fetch(`${simulator.url}/challenge/${'0'.repeat(48)}`)).status, 404)
})

test('a card that has run out is declined whatever its number', async () => {
  const body = paymentBody('4242424242424242', { card: { number: '4242424242424242', expiry_month: 1, expiry_year: 2020 } })
  assert.deepEqual(codeOf(await merchant.pay(body)), [201, '54'])
})

test('books and challenges outlive a power cut', async () => {
  const body = paymentBody('4000000000000119')
  const { action } = (await merchant.pay(body)).body as { action: { url: string } }
  await fetch(action.url, { method: 'POST', body: new URLSearchParams({ answer: 'pass' }), redirect: 'manual' })
  await simulator.kill()
  await simulator.restart()
  const shown = await merchant.show(body.reference)
  assert.deepEqual([shown.status, (shown.body as { status: string }).status], [200, 'succeeded'])
})
