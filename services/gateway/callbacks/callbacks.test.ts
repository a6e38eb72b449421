import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { newId, Secret, systemClock, systemRandom, type PaymentId } from '@ngome/kernel'
import { callbackToken } from '@ngome/signatures'
import { callbackHintsMax } from '@ngome/store'
import type { Answer } from '@ngome/testkit'
import { problemIn } from '../testing/problem-in.ts'
import { rawRequest, type RawAnswer } from '../testing/raw-request.ts'
import { TestGateway, type TestMerchant } from '../testing/test-gateway.ts'
import { callbackBytesMax } from '../http/limits.ts'

let running: TestGateway
let merchant: TestMerchant
let secret: Secret<Uint8Array>

before(async () => {
  running = await TestGateway.start()
  merchant = await running.addMerchant()
  secret = running.custody.secret('callback')
})
after(() => running.close())

async function payment(): Promise<PaymentId> {
  const body = { amount: '5.00', currency: 'EUR', network: 'mtn-sandbox', payer: { phone: '+46733123499' }, reference: 'r' }
  const key = newId('request', { clock: systemClock, random: systemRandom })
  const answer = await merchant.client.call({ method: 'POST', path: '/v1/payments', body, idempotencyKey: key })
  return (JSON.parse(answer.text) as { id: PaymentId }).id
}

const provider = { call: (path: string, method: 'POST' | 'PUT' = 'POST', body: unknown = { status: 'SUCCESSFUL' }): Promise<Answer> =>
  running.client('x').call({ method, path, body, headers: { authorization: '' } }) }

test('a network\u2019s client without our headers is heard by POST and PUT, sealed, with one enquiry each', async () => {
  const id = await payment()
  const path = `/v1/callbacks/mtn-momo/${callbackToken(secret, merchant.tenant, id)}`
  for (const method of ['POST', 'PUT'] as const) {
    const answer = await raw(method, path)
    assert.equal(answer, 202)
  }
  const hints = await running.database.asAdmin('SELECT number, sealed FROM ngome.callback_hints WHERE payment = $1 ORDER BY number', [id])
  assert.deepEqual(hints.map((one) => one['number']), [1, 2])
  for (const hint of hints) assert.ok(!Buffer.from(hint['sealed'] as Uint8Array).includes('SUCCESSFUL'))
  const [jobs] = await running.database.asAdmin(
    `SELECT count(*)::int AS n FROM pgboss.job WHERE name = 'payment-enquire' AND data->>'payment' = $1`, [id])
  assert.equal(jobs?.['n'], 2)
})

test('what is too many for one payment is taken and dropped', async () => {
  const id = await payment()
  const path = `/v1/callbacks/mtn-momo/${callbackToken(secret, merchant.tenant, id)}`
  for (let count = 0; count < callbackHintsMax + 3; count++) assert.equal(await raw('POST', path), 202)
  const [row] = await running.database.asAdmin('SELECT count(*)::int AS n FROM ngome.callback_hints WHERE payment = $1', [id])
  assert.equal(row?.['n'], callbackHintsMax)
})

test('a token that is forged, another\u2019s, cut, or of another provider is not there', async () => {
  const id = await payment()
  const token = callbackToken(secret, merchant.tenant, id)
  const other = newId('payment', { clock: systemClock, random: systemRandom })
  const [before_] = await running.database.asAdmin('SELECT count(*)::int AS n FROM ngome.callback_hints')
  for (const [what, path] of [
    ['forged', `/v1/callbacks/mtn-momo/${callbackToken(new Secret(systemRandom.bytes(32)), merchant.tenant, id)}`],
    ['cut', `/v1/callbacks/mtn-momo/${token.slice(0, -4)}`],
    ['changed', `/v1/callbacks/mtn-momo/${token.slice(0, 20)}${token[20] === 'A' ? 'B' : 'A'}${token.slice(21)}`],
    ['another provider', `/v1/callbacks/airtel-money/${token}`],
    ['no provider', `/v1/callbacks/constructor/${token}`],
    ['a payment that never was', `/v1/callbacks/mtn-momo/${callbackToken(secret, merchant.tenant, other)}`],
  ] as const) {
    const answer = await send('POST', path)
    assert.deepEqual([answer.status, problemIn({ text: answer.body }).code], [404, 'callbacks/unknown'], what)
  }
  const [after_] = await running.database.asAdmin('SELECT count(*)::int AS n FROM ngome.callback_hints')
  assert.deepEqual(after_, before_)
})

test('a callback past the limit is refused', async () => {
  const path = `/v1/callbacks/mtn-momo/${callbackToken(secret, merchant.tenant, await payment())}`
  assert.equal(await raw('POST', path, 'x'.repeat(callbackBytesMax + 1)), 413)
  assert.equal(await raw('POST', path, 'x'.repeat(callbackBytesMax)), 202)
})

test('an API key is not taken where networks call', async () => {
  const path = `/v1/callbacks/mtn-momo/${callbackToken(secret, merchant.tenant, await payment())}`
  assert.equal((await provider.call(path)).status, 400)
})

/** As a payment network's client calls: no API key. */
async function send(method: string, path: string, body = '{"status":"SUCCESSFUL"}'): Promise<RawAnswer> {
  const head = [`${method} ${path} HTTP/1.1`, 'Host: localhost', 'Content-Type: application/json', `Content-Length: ${body.length}`, '', '']
  return rawRequest({ port: running.port, ca: running.custody.authority.pem }, head.join('\r\n') + body)
}

async function raw(method: string, path: string, body?: string): Promise<number> {
  return (await send(method, path, body)).status
}
