import assert from 'node:assert/strict'
import { createHash, createHmac } from 'node:crypto'
import { after, before, test } from 'node:test'
import { parseCardNumber } from '@ngome/payments'
import { CardAcquirerSimulator, type AcquirerAccount, type SimulatorAnswer } from '@ngome/testkit'
import { testCards } from './test-cards.ts'

const returnUrl = 'https://shop.example/back'
let simulator: CardAcquirerSimulator
let account: AcquirerAccount

before(async () => {
  simulator = await CardAcquirerSimulator.start({ DECIDE_AFTER_MS: '0', DELAYED_AFTER_MS: '60000', CALLS_PER_SECOND_MAX: '1000' })
  account = await simulator.provision()
})
after(() => simulator.stop())

type Signed = { readonly method: 'GET' | 'POST'; readonly path: string; readonly reference: string; readonly body?: object; readonly atS?: number; readonly secret?: string }
function headersOf({ method, path, reference, body, atS = Math.floor(Date.now() / 1_000), secret = account.secret }: Signed): Record<string, string> {
  const digest = createHash('sha256').update(body === undefined ? '' : JSON.stringify(body)).digest('hex')
  const mac = createHmac('sha256', secret).update([atS, method, path, reference, digest].join('\n')).digest('hex')
  return { 'acquirer-account': account.account, 'idempotency-key': reference, 'acquirer-signature': `t=${atS},v1=${mac}` }
}
const call = (signed: Signed): Promise<SimulatorAnswer> => simulator.call({
  method: signed.method, path: signed.path, headers: headersOf(signed), ...signed.body === undefined ? {} : { body: signed.body },
})
const payment = (number: string, reference: string = crypto.randomUUID(), changes: object = {}) => ({
  reference, order: 'pay_1', amount_minor: '500', currency: 'EUR', card: { number, expiry_month: 12, expiry_year: 2099 }, description: null,
  return_url: returnUrl, callback_url: null, ...changes,
})
const pay = (body: ReturnType<typeof payment>): Promise<SimulatorAnswer> => call({ method: 'POST', path: '/v1/payments', reference: body.reference, body })
const codeOf = ({ status, body }: SimulatorAnswer): unknown => [status, (body as { code: string | null }).code]
const challengeOf = async (number = '4000000000000119'): Promise<string> => {
  const { body } = await pay(payment(number))
  return (body as { action: { url: string } }).action.url
}

test('every test number has a valid check digit, once', () => {
  assert.equal(new Set(testCards.map(({ number }) => number)).size, testCards.length)
  for (const { number } of testCards) assert.equal(parseCardNumber(number)?.digits, number)
})

const forged: readonly [string, (signed: Signed) => Record<string, string>][] = [
  ['nobody\'s signature', () => ({})],
  ['another secret', (signed) => headersOf({ ...signed, secret: 'x' })],
  ['another path', (signed) => headersOf({ ...signed, path: '/v1/refunds' })],
  ['another method', (signed) => headersOf({ ...signed, method: 'GET' })],
  ['another reference', (signed) => ({ ...headersOf(signed), 'idempotency-key': crypto.randomUUID() })],
  ['another body', (signed) => headersOf({ ...signed, body: { ...signed.body, amount_minor: '1' } })],
  ['a recording of before', (signed) => headersOf({ ...signed, atS: Math.floor(Date.now() / 1_000) - 301 })],
  ['a time that is to come', (signed) => headersOf({ ...signed, atS: Math.floor(Date.now() / 1_000) + 302 })],
  ['an account that there is not', (signed) => ({ ...headersOf(signed), 'acquirer-account': 'acc-none' })],
]
for (const [what, headers] of forged) {
  test(`takes nothing under ${what}`, async () => {
    const body = payment('4242424242424242')
    const signed: Signed = { method: 'POST', path: '/v1/payments', reference: body.reference, body }
    assert.deepEqual(codeOf(await simulator.call({ method: 'POST', path: '/v1/payments', headers: headers(signed), body })), [401, 'signature_refused'])
    assert.equal((await simulator.orders()).some(({ reference }) => reference === body.reference), false)
  })
}

for (const [what, number] of [['a number of nobody\'s tests', '4111111111111111'], ['one that is refused at the door', '4000000000000242']] as const) {
  test(`takes no ${what}, and repeats it nowhere`, async () => {
    const answer = await pay(payment(number))
    assert.deepEqual(codeOf(answer), [422, 'card_not_supported'])
    assert.equal(JSON.stringify([answer, await simulator.orders()]).includes(number), false)
  })
}

test('one reference is one order, and another order under it is refused', async () => {
  const body = payment('4242424242424242')
  const [first, again] = [await pay(body), await pay(body)]
  assert.deepEqual([first.status, again.status, (again.body as { id: string }).id], [201, 201, (first.body as { id: string }).id])
  assert.deepEqual(codeOf(await pay({ ...body, amount_minor: '501' })), [409, 'reference_reused'])
  assert.equal((await simulator.orders()).filter(({ reference }) => reference === body.reference).length, 1)
})

test('refunds give back no more than came, of what succeeded', async () => {
  const body = payment('4242424242424242')
  await pay(body)
  const refund = (amount: string, of = body.reference): Promise<SimulatorAnswer> => {
    const reference = crypto.randomUUID()
    return call({ method: 'POST', path: '/v1/refunds', reference, body: { reference, order: 'rfd_1', payment: of, amount_minor: amount, currency: 'EUR', callback_url: null } })
  }
  assert.deepEqual([(await refund('300')).status, codeOf(await refund('201')), (await refund('200')).status], [201, [422, 'refund_exceeds'], 201])
  const late = payment('4000000000000176')
  await pay(late)
  assert.deepEqual(codeOf(await refund('1', late.reference)), [422, 'not_refundable'])
  assert.deepEqual(codeOf(await refund('1', crypto.randomUUID())), [422, 'not_refundable'])
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
  const body = payment('4242424242424242', crypto.randomUUID(), { card: { number: '4242424242424242', expiry_month: 1, expiry_year: 2020 } })
  assert.deepEqual(codeOf(await pay(body)), [201, '54'])
})

test('books and challenges outlive a power cut', async () => {
  const body = payment('4000000000000119')
  const { action } = (await pay(body)).body as { action: { url: string } }
  await fetch(action.url, { method: 'POST', body: new URLSearchParams({ answer: 'pass' }), redirect: 'manual' })
  await simulator.kill()
  await simulator.restart()
  const shown = await call({ method: 'GET', path: `/v1/payments/${body.reference}`, reference: body.reference })
  assert.deepEqual([shown.status, (shown.body as { status: string }).status], [200, 'succeeded'])
})
