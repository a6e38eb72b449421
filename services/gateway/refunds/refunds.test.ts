import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { refundPageSchema, refundSchema, sealedPaymentSchema, type PaymentView, type RefundView } from '@ngome/contracts'
import type { Config } from '@ngome/runtime'
import type { Answer } from '@ngome/testkit'
import { collectMoney, endMovement } from '../testing/collect-money.ts'
import { openMovement } from '../testing/open-sealed.ts'
import { problemIn } from '../testing/problem-in.ts'
import { SigningMerchant } from '../testing/signing-merchant.ts'
import { TestGateway } from '../testing/test-gateway.ts'

let running: TestGateway
let maker: SigningMerchant

/** The sandbox, which takes a fee for a refund, beside one that gives nothing back. */
function withNetworks(config: Config): Config {
  const [sandbox] = Object.values(config.networks)
  assert.ok(sandbox)
  return {
    ...config,
    networks: {
      'mtn-sandbox': { ...sandbox, fees: { refund: { fixed: '0.10', basisPoints: 0, min: '0' } } },
      'ugx': { ...sandbox, currency: 'UGX', callingCode: '256' },
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

const order = { amount: '2.50', reference: 'return-12', description: 'Planted return' }
const collected = (amount: string, more: object = {}): Promise<PaymentView> => collectMoney(running, maker.merchant, { amount, ...more })
const refund = (of: Pick<PaymentView, 'id'>, changes: object = {}, key?: string): Promise<Answer> =>
  maker.post(`/v1/payments/${of.id}/refunds`, { ...order, ...changes }, key)

function refundOf(answer: Answer): RefundView {
  assert.equal(answer.status, 201, answer.text)
  return refundSchema.parse(JSON.parse(answer.text))
}

async function rowCounts(): Promise<unknown> {
  const tables = ['payments', 'transfers', 'idempotency', 'signed_request_nonces', 'api_key_days', 'object_events']
  const [row] = await running.database.asAdmin(`SELECT ${tables.map((table) => `(SELECT count(*)::int FROM ngome.${table}) AS ${table}`).join(', ')},
    (SELECT count(*)::int FROM pgboss.job) AS jobs`)
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

suite('a refund', () => {
  test('of a part reserves it with its fee, and is read back as it was answered, by itself and by its payment', async () => {
    const payment = await collected('5.00')
    const answer = await refund(payment)
    const made = refundOf(answer)
    assert.partialDeepStrictEqual(made, { object: 'refund', payment: payment.id, status: 'accepted', amount: '2.50', fee: '0.10', payee: { phone: '+46•••765' } })
    assert.equal(answer.headers['location'], `/v1/refunds/${made.id}`)
    assert.equal((await maker.get(`/v1/refunds/${made.id}`)).text, answer.text)
    refundOf(await refund(await collected('1.00'), { amount: '1.00' }))
    const page = refundPageSchema.parse(JSON.parse((await maker.get(`/v1/refunds?payment=${payment.id}`)).text))
    assert.deepEqual([page.data, page.next_cursor], [[made], null])
    const moved = await running.database.asAdmin('SELECT kind, phase, amount_minor::int AS minor FROM ngome.transfers WHERE payment = $1 ORDER BY kind', [made.id])
    assert.deepEqual(moved, [{ kind: 'refund', phase: 'pending', minor: 250 }, { kind: 'refund_fee', phase: 'pending', minor: 10 }])
  })

  test('seals the merchant\'s word, and nobody\'s number: that is its payment\'s', async () => {
    const payment = await collected('5.00')
    const request = maker.request(`/v1/payments/${payment.id}/refunds`, order)
    const { id } = refundOf(await maker.send(request))
    const sealed = sealedPaymentSchema.parse(await openMovement(running, maker.merchant.tenant, id))
    assert.deepEqual([sealed.direction, sealed.amount_minor, sealed.fee_minor, sealed.original, sealed.payer], ['refund', '250', '10', payment.id, undefined])
    assert.deepEqual([sealed.authorization?.key, sealed.authorization?.body], [maker.keyId, request.body])
  })

  test('asked for again under its key is one refund, also when nothing is left of its payment', async () => {
    const payment = await collected('2.50')
    const first = await refund(payment, {}, 'again')
    const second = await refund(payment, {}, 'again')
    assert.deepEqual([second.status, second.text, second.headers['idempotent-replayed']], [201, first.text, 'true'])
  })

  test('in parts gives back no more than came, by however many at once; one that failed can be asked for again', async () => {
    const payment = await collected('10.00')
    const answers = await Promise.all(Array.from({ length: 8 }, () => refund(payment, { amount: '3.00' })))
    assert.deepEqual(answers.map(({ status }) => status).toSorted((a, b) => a - b), [...Array<number>(3).fill(201), ...Array<number>(5).fill(422)])
    await refused(() => refund(payment, { amount: '1.01' }), 422, 'payments/refund_exceeds', '/amount')
    const [made] = answers.filter(({ status }) => status === 201)
    assert.ok(made !== undefined)
    await endMovement(running, refundOf(made).id, 'failed')
    refundOf(await refund(payment, { amount: '4.00' }))
  })

  test('is in the currency\'s own digits', async () => {
    const payment = await collected('1999', { network: 'ugx', currency: 'UGX', phone: '+256771234567' })
    await refused(() => refund(payment, { amount: '10.5' }), 422, 'request/invalid', '/amount')
    assert.equal(refundOf(await refund(payment, { amount: '1999', currency: 'UGX' })).amount, '1999')
  })
})

suite('what is refused leaves nothing', () => {
  const wrong: readonly (readonly [string, object, string])[] = [
    ['nothing', { amount: '0.00' }, '/amount'],
    ['less than nothing', { amount: '-1.00' }, '/amount'],
    ['more digits than the currency has', { amount: '1.001' }, '/amount'],
    ['an exponent', { amount: '1e0' }, '/amount'],
    ['another currency', { currency: 'UGX' }, '/currency'],
    ['a phone of its own', { payee: { phone: '+46733123499' } }, ''],
  ]
  for (const [what, changes, pointer] of wrong) {
    test(what, async () => {
      const payment = await collected('5.00')
      await refused(() => refund(payment, changes), 422, 'request/invalid', pointer)
    })
  }

  test('more than came', async () => {
    const payment = await collected('5.00')
    await refused(() => refund(payment, { amount: '5.01' }), 422, 'payments/refund_exceeds', '/amount')
  })

  test('what was paid out since: the balance does not cover it', async () => {
    const other = await SigningMerchant.of(running, await running.addMerchant())
    const payment = await collectMoney(running, other.merchant, { amount: '5.00' })
    const payout = await other.post('/v1/payouts', { amount: '3.00', currency: 'EUR', network: 'mtn-sandbox', payee: { phone: '+46733123499' }, reference: 'wages' })
    assert.equal(payout.status, 201, payout.text)
    await refused(() => other.post(`/v1/payments/${payment.id}/refunds`, { ...order, amount: '2.00' }), 422, 'payments/insufficient_funds', '/amount')
  })

  test('a payment that has not succeeded, one that failed, and one whose network takes no refunds', async () => {
    const answer = await maker.merchant.client.call({
      method: 'POST', path: '/v1/payments', idempotencyKey: 'waiting',
      body: { amount: '5.00', currency: 'EUR', network: 'mtn-sandbox', payer: { phone: '+46733198765' }, reference: 'waits' },
    })
    const waiting = JSON.parse(answer.text) as PaymentView
    await refused(() => refund(waiting), 409, 'payments/not_refundable')
    await endMovement(running, waiting.id, 'failed')
    await refused(() => refund(waiting), 409, 'payments/not_refundable')
    const onlyIn = await collected('5.00', { network: 'only-in' })
    await refused(() => refund(onlyIn), 409, 'payments/not_refundable')
  })

  test('another merchant\'s payment, and a payout', async () => {
    const stranger = await SigningMerchant.of(running, await running.addMerchant())
    const payment = await collected('5.00')
    await refused(() => stranger.post(`/v1/payments/${payment.id}/refunds`, order), 404, 'payments/unknown')
    const payout = await maker.post('/v1/payouts', { ...order, currency: 'EUR', network: 'mtn-sandbox', payee: { phone: '+46733123499' } })
    const { id } = JSON.parse(payout.text) as { id: PaymentView['id'] }
    await refused(() => refund({ id }), 404, 'payments/unknown')
    const made = refundOf(await refund(payment))
    const looked = await stranger.get(`/v1/refunds/${made.id}`)
    assert.deepEqual([looked.status, problemIn(looked).code], [404, 'refunds/unknown'])
  })

  test('no signature, one for another payment\'s refund, one that came before, and a key that may not', async () => {
    const [one, other] = [await collected('5.00'), await collected('5.00')]
    const path = `/v1/payments/${one.id}/refunds`
    await refused(() => maker.merchant.client.call({ method: 'POST', path, body: order, idempotencyKey: 'bare' }), 401, 'access/signature_required')
    const { headers } = maker.request(`/v1/payments/${other.id}/refunds`, order, 'moved')
    await refused(() => maker.send({ ...maker.request(path, order, 'moved'), headers }), 401, 'access/signature_refused')
    const request = maker.request(path, order)
    refundOf(await maker.send(request))
    await refused(() => maker.send(request), 401, 'access/signature_refused')
    const clerk = await SigningMerchant.beside(running, maker, { scopes: new Set(['payments:write', 'payouts:write', 'refunds:read']) })
    await refused(() => clerk.post(path, order), 403, 'access/scope_missing')
  })
})
