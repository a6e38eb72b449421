import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { defaultKeySettings } from '@ngome/access'
import { balancesSchema } from '@ngome/contracts'
import { newId, systemClock, systemRandom, type PaymentId } from '@ngome/kernel'
import type { Answer } from '@ngome/testkit'
import { collectMoney, endMovement } from '../testing/collect-money.ts'
import { makeSession, Payer, stateIn } from '../testing/payer.ts'
import { problemIn } from '../testing/problem-in.ts'
import { SigningMerchant } from '../testing/signing-merchant.ts'
import { TestGateway } from '../testing/test-gateway.ts'

let running: TestGateway
let maker: SigningMerchant
before(async () => {
  running = await TestGateway.start({})
  const merchant = await running.addMerchant()
  await collectMoney(running, merchant, { amount: '100.00' })
  maker = await SigningMerchant.of(running, merchant)
})
after(() => running.close())

const phone = '+46733198765'
let serial = 0
type Shown = { readonly id: PaymentId; readonly status: string; readonly object: string }
/** One of each direction, with the operation that cancels it. */
const made: Readonly<Record<string, () => Promise<Shown>>> = {
  payments: async () => shown(await maker.merchant.client.call({
    method: 'POST', path: '/v1/payments', idempotencyKey: `c-${++serial}`,
    body: { amount: '5.00', currency: 'EUR', network: 'mtn-sandbox', payer: { phone }, reference: 'order-42' },
  })),
  payouts: async () => shown(await maker.post('/v1/payouts', { amount: '5.00', currency: 'EUR', network: 'mtn-sandbox', payee: { phone }, reference: 'wages' })),
  refunds: async () => {
    const { id } = await collectMoney(running, maker.merchant, { amount: '5.00' })
    return shown(await maker.post(`/v1/payments/${id}/refunds`, { amount: '5.00', reference: 'return' }))
  },
}
const make = (kind: string): Promise<Shown> => made[kind]?.() ?? assert.fail(kind)
const cancel = (kind: string, id: string, by = maker): Promise<Answer> => by.post(`/v1/${kind}/${id}/cancel`, undefined, null)

function shown(answer: Answer): Shown {
  assert.ok(answer.status < 300, answer.text)
  return JSON.parse(answer.text) as Shown
}

function refusal(answer: Answer): readonly unknown[] {
  return [answer.status, problemIn(answer).code]
}

async function balances(): Promise<unknown> {
  return balancesSchema.parse(JSON.parse((await maker.get('/v1/balances')).text)).data
}

for (const kind of Object.keys(made)) {
  suite(`a cancel of ${kind}`, () => {
    test('gives back what was reserved, once, is told, and is the same again', async () => {
      if (kind === 'refunds') await collectMoney(running, maker.merchant, { amount: '5.00' })
      const before = kind === 'refunds' ? undefined : await balances()
      const { id, object } = await make(kind)
      const first = shown(await cancel(kind, id))
      assert.deepEqual([first.id, first.status], [id, 'cancelled'])
      const again = await Promise.all([cancel(kind, id), cancel(kind, id), cancel(kind, id)])
      for (const answer of again) assert.deepEqual(shown(answer), first)
      assert.deepEqual(shown(await maker.get(`/v1/${kind}/${id}`)), first)
      if (before !== undefined) assert.deepEqual(await balances(), before)
      const rows = await running.database.asAdmin(`SELECT e.type, e.proof IS NOT NULL AS proven FROM ngome.object_events e WHERE e.object = $1 ORDER BY e.sequence`, [id])
      assert.deepEqual(rows, [{ type: `${object}.accepted`, proven: true }, { type: `${object}.cancelled`, proven: true }])
      const events = await running.database.asAdmin(`SELECT data->>'asked_with' AS key, data->>'signed_with' AS signed FROM ngome.events WHERE type = $2 AND data->>'payment' = $1`,
        [id, `${object}.cancelled`])
      assert.deepEqual(events, [{ key: maker.merchant.keyId, signed: maker.keyId }])
    })

    test('comes too late for what was sent or has ended, and changes nothing', async () => {
      const { id } = await make(kind)
      await running.database.asAdmin(`UPDATE ngome.payments SET status = 'processing' WHERE id = $1`, [id])
      assert.deepEqual(refusal(await cancel(kind, id)), [409, 'payments/not_cancellable'])
      const ended = await make(kind)
      await endMovement(running, ended.id, 'succeeded')
      assert.deepEqual(refusal(await cancel(kind, ended.id)), [409, 'payments/not_cancellable'])
      assert.equal(shown(await maker.get(`/v1/${kind}/${ended.id}`)).status, 'succeeded')
    })

    test('is refused to another merchant, to a key that may only read, for another kind of id, and with a body', async () => {
      const { id, object } = await make(kind)
      const unknown = `${kind}/unknown`
      const stranger = await SigningMerchant.of(running, await running.addMerchant())
      assert.deepEqual(refusal(await cancel(kind, id, stranger)), [404, unknown])
      assert.deepEqual(refusal(await cancel(kind, newId(object === 'payment' ? 'payment' : object === 'payout' ? 'payout' : 'refund', { clock: systemClock, random: systemRandom }))), [404, unknown])
      for (const other of Object.keys(made).filter((name) => name !== kind)) {
        assert.deepEqual(refusal(await cancel(other, id)), [404, `${other}/unknown`])
      }
      const clerk = await SigningMerchant.beside(running, maker, { scopes: new Set(['payments:read', 'payouts:read', 'refunds:read']) })
      assert.deepEqual(refusal(await cancel(kind, id, clerk)), [403, 'access/scope_missing'])
      assert.deepEqual(refusal(await maker.post(`/v1/${kind}/${id}/cancel`, { reason: 'no' }, null)), [422, 'request/invalid'])
      assert.equal(shown(await maker.get(`/v1/${kind}/${id}`)).status, 'accepted')
    })

    test(kind === 'payments' ? 'goes by the API key alone, as its order did' : 'is signed as its order was: not without, not with another\u2019s, not twice', async () => {
      const [one, other] = [await make(kind), await make(kind)]
      const path = `/v1/${kind}/${one.id}/cancel`
      const bare = await maker.merchant.client.call({ method: 'POST', path })
      if (kind === 'payments') {
        assert.equal(shown(bare).status, 'cancelled')
        return
      }
      assert.deepEqual(refusal(bare), [401, 'access/signature_required'])
      const { headers } = maker.request(`/v1/${kind}/${other.id}/cancel`, undefined, null)
      assert.deepEqual(refusal(await maker.send({ ...maker.request(path, undefined, null), headers })), [401, 'access/signature_refused'])
      assert.equal(shown(await maker.get(`/v1/${kind}/${one.id}`)).status, 'accepted')
      const request = maker.request(path, undefined, null)
      assert.equal(shown(await maker.send(request)).status, 'cancelled')
      assert.deepEqual(refusal(await maker.send(request)), [401, 'access/signature_refused'])
    })
  })
}

test('a cancelled payout gives its day nothing back: who orders and cancels gets no second try at the cap', async () => {
  const settings = defaultKeySettings()
  const capped = await SigningMerchant.beside(running, maker, { caps: { ...settings.caps, dayTotalMax: new Map([['EUR', 800n]]) } })
  const order = { amount: '5.00', currency: 'EUR', network: 'mtn-sandbox', payee: { phone }, reference: 'wages' }
  const { id } = shown(await capped.post('/v1/payouts', order))
  shown(await cancel('payouts', id, capped))
  assert.deepEqual(refusal(await capped.post('/v1/payouts', order)), [403, 'access/cap_exceeded'])
})

test('a refund that was cancelled leaves its payment to be refunded', async () => {
  const payment = await collectMoney(running, maker.merchant, { amount: '5.00' })
  const whole = { amount: '5.00', reference: 'return' }
  const { id } = shown(await maker.post(`/v1/payments/${payment.id}/refunds`, whole))
  assert.deepEqual(refusal(await maker.post(`/v1/payments/${payment.id}/refunds`, whole)), [422, 'payments/refund_exceeds'])
  shown(await cancel('refunds', id))
  shown(await maker.post(`/v1/payments/${payment.id}/refunds`, whole))
})

test('a payment of a session that its merchant cancelled: the payer reads that nothing was taken, and may try again until the session is cancelled too', async () => {
  const payer = new Payer(running)
  const { id, token } = await makeSession(maker.merchant)
  await payer.pay(token, { phone: '+46733123499' })
  const { payment } = JSON.parse((await maker.get(`/v1/checkout_sessions/${id}`)).text) as { payment: string }
  shown(await cancel('payments', payment))
  const page = await payer.get(`/c/${token}`)
  assert.equal(stateIn(page), 'open')
  assert.match(page.text, /Nothing was taken\./)
  assert.equal((await payer.pay(token, { try: '2', phone: '+46733123498' })).status, 303)
  assert.equal(stateIn(await payer.get(`/c/${token}`)), 'processing')
  const second = JSON.parse((await maker.get(`/v1/checkout_sessions/${id}`)).text) as { payment: string }
  assert.notEqual(second.payment, payment)
  shown(await cancel('payments', second.payment))
  shown(await maker.merchant.client.call({ method: 'POST', path: `/v1/checkout_sessions/${id}/cancel` }))
  assert.equal(stateIn(await payer.get(`/c/${token}`)), 'cancelled')
})
