import assert from 'node:assert/strict'
import { verify } from 'node:crypto'
import { after, before, suite, test } from 'node:test'
import { defaultKeySettings } from '@ngome/access'
import { payoutPageSchema, payoutSchema, sealedPaymentSchema, type PayoutView } from '@ngome/contracts'
import type { Config } from '@ngome/runtime'
import { digestOf, signRaw, type Answer } from '@ngome/testkit'
import { collectMoney } from '../testing/collect-money.ts'
import { openMovement } from '../testing/open-sealed.ts'
import { problemIn } from '../testing/problem-in.ts'
import { SigningMerchant } from '../testing/signing-merchant.ts'
import { TestGateway } from '../testing/test-gateway.ts'

let running: TestGateway
let maker: SigningMerchant

/** Networks of currencies with and without minor units, and one that only collects. */
function withNetworks(config: Config): Config {
  const [sandbox] = Object.values(config.networks)
  assert.ok(sandbox)
  const fees = { payout: { fixed: '0', basisPoints: 100, min: '0' } }
  return {
    ...config,
    networks: {
      'mtn-sandbox': { ...sandbox, fees: { payout: { fixed: '0.10', basisPoints: 0, min: '0' } } },
      'ugx': { ...sandbox, currency: 'UGX', callingCode: '256', fees },
      'xof': { ...sandbox, currency: 'XOF', callingCode: '225', fees },
      'kes': { ...sandbox, currency: 'KES', callingCode: '254', fees },
      'ghs': { ...sandbox, currency: 'GHS', callingCode: '233', fees },
      'only-in': { ...sandbox, directions: ['collection'] },
    },
  }
}

before(async () => {
  running = await TestGateway.start({ config: withNetworks })
  const merchant = await running.addMerchant()
  await collectMoney(running, merchant, { amount: '100.00' })
  maker = await SigningMerchant.of(running, merchant)
})
after(() => running.close())

const phone = '+46733198765'
const order = { amount: '5.00', currency: 'EUR', network: 'mtn-sandbox', payee: { phone }, reference: 'wages-47', description: 'Planted wages' }

function payoutOf(answer: Answer): PayoutView {
  assert.equal(answer.status, 201, answer.text)
  return payoutSchema.parse(JSON.parse(answer.text))
}

/** All that a payout would leave. */
async function rowCounts(): Promise<unknown> {
  const tables = ['payments', 'transfers', 'idempotency', 'signed_request_nonces', 'api_key_days']
  const [row] = await running.database.asAdmin(`SELECT ${tables.map((table) => `(SELECT count(*)::int FROM ngome.${table}) AS ${table}`).join(', ')},
    (SELECT count(*)::int FROM pgboss.job) AS jobs, (SELECT count(*)::int FROM ngome.events WHERE type LIKE 'pay%') AS events`)
  return row
}

/** The refusal, and that it is all that came of it. */
async function refused(ask: () => Promise<Answer>, status: number, code: string, pointer?: string): Promise<void> {
  const counts = await rowCounts()
  const answer = await ask()
  const problem = problemIn(answer)
  assert.deepEqual([answer.status, problem.code], [status, code], answer.text)
  if (pointer !== undefined) assert.deepEqual(problem.errors?.map((one) => one.pointer), [pointer])
  assert.deepEqual(await rowCounts(), counts, 'nothing was written')
}

suite('a payout', () => {
  test('is accepted, masked, with its fee, reserved in the ledger, and read back and listed as it was answered', async () => {
    const answer = await maker.post('/v1/payouts', order)
    const payout = payoutOf(answer)
    assert.partialDeepStrictEqual(payout, { object: 'payout', status: 'accepted', amount: '5.00', fee: '0.10', payee: { phone: '+46•••765' } })
    assert.equal(answer.headers['location'], `/v1/payouts/${payout.id}`)
    assert.equal((await maker.get(`/v1/payouts/${payout.id}`)).text, answer.text)
    const page = payoutPageSchema.parse(JSON.parse((await maker.get('/v1/payouts?status=accepted&limit=1')).text))
    assert.deepEqual(page.data, [payout])
    const moved = await running.database.asAdmin('SELECT kind, phase, amount_minor::int AS minor FROM ngome.transfers WHERE payment = $1 ORDER BY kind', [payout.id])
    assert.deepEqual(moved, [{ kind: 'payout', phase: 'pending', minor: 500 }, { kind: 'payout_fee', phase: 'pending', minor: 10 }])
    const [event] = await running.database.asAdmin(`SELECT type, data->>'signed_with' AS key FROM ngome.events WHERE data->>'payment' = $1`, [payout.id])
    assert.deepEqual(event, { type: 'payout.accepted', key: maker.keyId })
    const [job] = await running.database.asAdmin(`SELECT name FROM pgboss.job WHERE data->>'payment' = $1`, [payout.id])
    assert.deepEqual(job, { name: 'payment-dispatch' })
  })

  test('is sealed with the very bytes that its merchant signed, which prove it to whoever opens them', async () => {
    const request = maker.request('/v1/payouts', { ...order, reference: 'Lohn-47', description: 'Löhne für März' })
    const { id } = payoutOf(await maker.send(request))
    const sealed = sealedPaymentSchema.parse(await openMovement(running, maker.merchant.tenant, id))
    const { authorization } = sealed
    assert.ok(authorization !== undefined)
    assert.deepEqual([sealed.direction, sealed.amount_minor, sealed.fee_minor, sealed.payer?.phone], ['payout', '500', '10', phone])
    assert.deepEqual([authorization.key, authorization.body], [maker.keyId, request.body])
    const isSigned = (base: string): boolean =>
      verify(null, Buffer.from(base, 'latin1'), maker.publicKey, Buffer.from(authorization.signature, 'base64'))
    assert.ok(isSigned(authorization.base))
    assert.ok(authorization.base.includes(digestOf(authorization.body)) && authorization.base.includes('"@path": /v1/payouts\n'))
    assert.ok(!isSigned(authorization.base.replace('/v1/payouts', '/v1/payout')))
  })

  test('asked for again under its key is one payout, and its answer the same bytes', async () => {
    const first = await maker.post('/v1/payouts', order, 'again')
    const second = await maker.post('/v1/payouts', order, 'again')
    assert.deepEqual([second.text, second.headers['idempotent-replayed']], [first.text, 'true'])
  })

  test('is no payment, and a payment no payout', async () => {
    const payment = await collectMoney(running, maker.merchant, { amount: '1.00' })
    const { id } = payoutOf(await maker.post('/v1/payouts', order))
    for (const path of [`/v1/payments/${id}`, `/v1/payouts/${payment.id}`]) assert.equal((await maker.get(path)).status, 404)
    assert.ok(!(await maker.get('/v1/payments')).text.includes('pyt_'))
  })

  test('of another merchant is unknown', async () => {
    const { id } = payoutOf(await maker.post('/v1/payouts', order))
    const stranger = await running.addMerchant()
    const answer = await stranger.client.call({ path: `/v1/payouts/${id}` })
    assert.deepEqual([answer.status, problemIn(answer).code], [404, 'payouts/unknown'])
  })
})

suite('what is refused leaves nothing', () => {
  const wrong: readonly (readonly [string, object, string])[] = [
    ['nothing', { amount: '0' }, '/amount'],
    ['nothing with digits', { amount: '0.00' }, '/amount'],
    ['less than nothing', { amount: '-5.00' }, '/amount'],
    ['a sign', { amount: '+5.00' }, '/amount'],
    ['more digits than the currency has', { amount: '5.001' }, '/amount'],
    ['an exponent', { amount: '5e2' }, '/amount'],
    ['more than there ever is', { amount: '9999999999999' }, '/amount'],
    ['a number', { amount: 5 }, '/amount'],
    ['another currency than the network has', { currency: 'UGX', amount: '500' }, '/currency'],
    ['a network that nobody has', { network: 'mtn-moon' }, '/network'],
    ['a network that only collects', { network: 'only-in' }, '/network'],
    ['a phone of another country', { payee: { phone: '+256771234567' } }, '/payee/phone'],
    ['a phone that is none', { payee: { phone: '0733198765' } }, '/payee/phone'],
    ['what is no field', { fee: '0.00' }, ''],
    ['minor units of UGX, which has none', { network: 'ugx', currency: 'UGX', amount: '500.5', payee: { phone: '+256771234567' } }, '/amount'],
    ['minor units of XOF, which has none', { network: 'xof', currency: 'XOF', amount: '500.0', payee: { phone: '+2250712345678' } }, '/amount'],
    ['three digits of KES, which has two', { network: 'kes', currency: 'KES', amount: '500.005', payee: { phone: '+254712345678' } }, '/amount'],
    ['three digits of GHS, which has two', { network: 'ghs', currency: 'GHS', amount: '0.001', payee: { phone: '+233241234567' } }, '/amount'],
  ]
  for (const [what, change, pointer] of wrong) {
    test(what, () => refused(() => maker.post('/v1/payouts', { ...order, ...change }), 422, 'request/invalid', pointer))
  }

  test('more than is there, by one cent of the fee', async () => {
    const other = await SigningMerchant.of(running, await running.addMerchant())
    await collectMoney(running, other.merchant, { amount: '5.09' })
    await refused(() => other.post('/v1/payouts', order), 422, 'payments/insufficient_funds', '/amount')
    payoutOf(await other.post('/v1/payouts', { ...order, amount: '4.99' }))
    await refused(() => other.post('/v1/payouts', { ...order, amount: '0.01' }), 422, 'payments/insufficient_funds', '/amount')
  })

  const signatures: readonly (readonly [string, () => Promise<Answer>, string])[] = [
    ['no signature', () => maker.merchant.client.call({ method: 'POST', path: '/v1/payouts', body: order, idempotencyKey: 'u-1' }), 'access/signature_required'],
    ['a signature over another body', async () => {
      const body = JSON.stringify({ ...order, amount: '50.00' })
      return maker.send({ ...maker.request('/v1/payouts', order), body })
    }, 'access/signature_refused'],
    ['a signature over another body, whose digest was put in later', async () => {
      const body = JSON.stringify({ ...order, amount: '50.00' })
      const { headers, ...request } = maker.request('/v1/payouts', order)
      return maker.send({ ...request, body, headers: { ...headers, 'content-digest': digestOf(body) } })
    }, 'access/signature_refused'],
    ['a signature for another path', async () => {
      const { headers } = maker.request('/v1/payments', order, 'u-2')
      return maker.send({ ...maker.request('/v1/payouts', order, 'u-2'), headers })
    }, 'access/signature_refused'],
    ['a signature under another idempotency key', async () => {
      const request = maker.request('/v1/payouts', order, 'u-3')
      return maker.send({ ...request, headers: { ...request.headers, 'idempotency-key': 'u-4' } })
    }, 'access/signature_refused'],
    ['a signature by a key of another merchant', async () => {
      const thief = await SigningMerchant.of(running, await running.addMerchant())
      return maker.send(thief.request('/v1/payouts', order))
    }, 'access/signature_refused'],
    ['a signature by nobody', async () => maker.send(signRaw(maker.request('/v1/payouts', order), {
      keyId: maker.keyId, createdS: Math.floor(Date.parse(new Date().toISOString()) / 1_000), sign: () => new Uint8Array(64),
    })), 'access/signature_refused'],
  ]
  for (const [what, ask, code] of signatures) test(what, () => refused(ask, 401, code))

  test('the same signed request under way twice', async () => {
    const request = maker.request('/v1/payouts', order)
    payoutOf(await maker.send(request))
    await refused(() => maker.send(request), 401, 'access/signature_refused')
  })

  test('what the key\u2019s caps refuse: amount, network, and the sum of the day with what was collected', async () => {
    const settings = defaultKeySettings('secret')
    const capped = await SigningMerchant.beside(running, maker, {
      caps: { ...settings.caps, amountMax: new Map([['EUR', 400n]]), dayTotalMax: new Map([['EUR', 500n]]), networks: new Set(['mtn-sandbox']) },
    })
    await refused(() => capped.post('/v1/payouts', { ...order, amount: '4.01' }), 403, 'access/cap_exceeded', '/amount')
    await refused(() => capped.post('/v1/payouts', { ...order, network: 'kes', currency: 'KES', payee: { phone: '+254712345678' } }), 403, 'access/cap_exceeded', '/network')
    payoutOf(await capped.post('/v1/payouts', { ...order, amount: '4.00' }))
    await refused(() => capped.post('/v1/payouts', { ...order, amount: '1.01' }), 403, 'access/cap_exceeded', '/amount')
  })

  test('payouts of a key that may only collect', async () => {
    const clerk = await SigningMerchant.beside(running, maker, { scopes: new Set(['payments:write', 'payments:read', 'payouts:read']) })
    await refused(() => clerk.post('/v1/payouts', order), 403, 'access/scope_missing')
  })

  test('a body that is larger than one signature is kept with', async () => {
    const body = JSON.stringify({ ...order, reference: 'x'.repeat(4_096) })
    await refused(() => maker.post('/v1/payouts', JSON.parse(body)), 413, 'request/too_large')
  })
})

test('amounts of currencies without minor units are whole, and fees are rounded down', async () => {
  const { merchant } = maker
  await collectMoney(running, merchant, { amount: '10000', network: 'ugx', currency: 'UGX', phone: '+256771234567' })
  const payout = payoutOf(await maker.post('/v1/payouts', { ...order, amount: '1999', currency: 'UGX', network: 'ugx', payee: { phone: '+256771234567' } }))
  assert.deepEqual([payout.amount, payout.fee], ['1999', '19'])
})

test('what was paid out is never more than was there, by however many at once', async () => {
  const other = await SigningMerchant.of(running, await running.addMerchant())
  await collectMoney(running, other.merchant, { amount: '10.00' })
  const answers = await Promise.all(Array.from({ length: 12 }, () => other.post('/v1/payouts', { ...order, amount: '2.40' })))
  assert.deepEqual(answers.map(({ status }) => status).toSorted((a, b) => a - b), [...Array<number>(4).fill(201), ...Array<number>(8).fill(422)])
})

test('a phone number and a signature that were planted lie in no row and no log line', async () => {
  const [hit] = await running.database.asAdmin(`SELECT (SELECT count(*)::int FROM ngome.payments p WHERE p::text LIKE '%${phone.slice(1)}%' OR p::text LIKE '%Planted wages%') AS rows,
    (SELECT count(*)::int FROM ngome.idempotency i WHERE i::text LIKE '%${phone.slice(1)}%') AS answers`)
  assert.deepEqual(hit, { rows: 0, answers: 0 })
  assert.doesNotMatch(running.logLines.join(''), new RegExp(phone.slice(1)))
})
