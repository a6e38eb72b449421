import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { payoutBatchSchema, refundSchema } from '@ngome/contracts'
import type { Currency } from '@ngome/kernel'
import type { Config } from '@ngome/runtime'
import { collectMoney } from '../testing/collect-money.ts'
import { makeSession, Payer } from '../testing/payer.ts'
import { problemIn } from '../testing/problem-in.ts'
import { SigningMerchant } from '../testing/signing-merchant.ts'
import { TestGateway } from '../testing/test-gateway.ts'

/** Each currency with its country, a mobile phone there, amounts in its digits, and one that has a digit more. */
const currencies: readonly { readonly currency: Currency; readonly callingCode: string; readonly phone: string; readonly whole: string; readonly part: string; readonly wrong: string }[] = [
  { currency: 'KES', callingCode: '254', phone: '+254712345678', whole: '1250.50', part: '0.05', wrong: '10.005' },
  { currency: 'GHS', callingCode: '233', phone: '+233241234567', whole: '1250.50', part: '0.05', wrong: '10.005' },
  { currency: 'XOF', callingCode: '225', phone: '+2250701234567', whole: '1250', part: '5', wrong: '10.5' },
  { currency: 'RWF', callingCode: '250', phone: '+250781234567', whole: '1250', part: '5', wrong: '10.0' },
  { currency: 'UGX', callingCode: '256', phone: '+256771234567', whole: '1250', part: '5', wrong: '10.5' },
]

function withNetworks(config: Config): Config {
  const [sandbox] = Object.values(config.networks)
  assert.ok(sandbox)
  const { prefixes: _ofSandbox, ...rest } = sandbox
  return { ...config, networks: Object.fromEntries(currencies.map(({ currency, callingCode }) => [currency.toLowerCase(), { ...rest, currency, callingCode }])) }
}

let running: TestGateway
let maker: SigningMerchant
before(async () => {
  running = await TestGateway.start({ config: withNetworks })
  maker = await SigningMerchant.of(running, await running.addMerchant())
})
after(() => running.close())

const refusedAt = (answer: Parameters<typeof problemIn>[0] & { readonly status: number; readonly text: string }, pointer: string): void => {
  const { code, errors } = problemIn(answer)
  assert.deepEqual([answer.status, code, errors?.map((one) => one.pointer)], [422, 'request/invalid', [pointer]], answer.text)
}

for (const { currency, phone, whole, part, wrong } of currencies) {
  const network = currency.toLowerCase()
  describe(`amounts of ${currency}`, () => {
    test('stand on a checkout\u2019s page with its digits, and are refused with more', async () => {
      const { token } = await makeSession(maker.merchant, { amount: whole, currency, networks: [network] })
      const shown = (await new Payer(running).get(`/c/${token}`)).text.replace(/<[^>]*>|[\s,\u00a0\u202f]/g, '')
      assert.ok(shown.includes(`${currency}${whole}`) || shown.includes(`${whole}${currency}`), shown)
      refusedAt(await maker.merchant.client.call({
        method: 'POST', path: '/v1/checkout_sessions', idempotencyKey: `wrong-${currency}`, body: { amount: wrong, currency, networks: [network], reference: 'r' },
      }), '/amount')
    })

    test('are given back in parts with its digits, to the last, and no finer', async () => {
      const payment = await collectMoney(running, maker.merchant, { amount: whole, network, currency, phone })
      assert.equal(payment.amount, whole)
      const refund = (amount: string) => maker.post(`/v1/payments/${payment.id}/refunds`, { amount, reference: 'r' })
      refusedAt(await refund(wrong), '/amount')
      const given = await refund(part)
      assert.equal(given.status, 201, given.text)
      assert.equal(refundSchema.parse(JSON.parse(given.text)).amount, part)
      assert.deepEqual([(await refund(whole)).status, (await refund(part)).status], [422, 201])
    })

    test('are rows of a batch with its digits, which come to the total', async () => {
      await collectMoney(running, maker.merchant, { amount: whole, network, currency, phone })
      const [count, total] = [2, currency === 'KES' || currency === 'GHS' ? '0.10' : '10']
      const order = { reference: `wages-${currency}`, currency, count, total }
      refusedAt(await maker.post('/v1/payout_batches', { ...order, total: wrong }), '/total')
      const opened = await maker.post('/v1/payout_batches', order)
      assert.equal(opened.status, 201, opened.text)
      const { id, total: shown } = payoutBatchSchema.parse(JSON.parse(opened.text))
      assert.equal(shown, total)
      const rows = (second: string) => maker.post(`/v1/payout_batches/${id}/payouts`, {
        part: 1, batch_reference: order.reference, currency, network,
        payouts: [part, second].map((amount, at) => ({ reference: `w-${at}`, amount, payee: { phone } })),
      })
      refusedAt(await rows(wrong), '/payouts/1/amount')
      const taken = await rows(part)
      assert.ok(taken.status < 300, taken.text)
    })
  })
}
