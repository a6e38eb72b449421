import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PaymentDirection } from '@ngome/contracts'
import { formatMoney, newId, systemClock, systemRandom } from '@ngome/kernel'
import type { AskedPayment } from '../payment-network.ts'
import type { NetworkUnderTest } from './network-under-test.ts'
import { bound, payerOf, settled, type Trials } from './trial.ts'

const changes: Readonly<Record<NetworkUnderTest['tells'][number], (asked: AskedPayment) => Partial<AskedPayment>>> = {
  amount: ({ money }) => ({ money: { ...money, amountMinor: money.amountMinor + 1n } }),
  currency: ({ money }) => ({ money: { ...money, currency: 'USD' } }),
  payment: () => ({ payment: newId('payment', { clock: systemClock, random: systemRandom }) }),
}

/** An answer is believed where it is about what was asked. */
export function testTruth(trials: Trials, under: NetworkUnderTest, direction: PaymentDirection): void {
  for (const member of under.tells) {
    test(`an answer about another ${member} differs`, async () => {
      const { connector, requestFor } = bound(trials)
      const request = await requestFor(direction)
      await connector.request(request)
      await settled(connector, request)
      const outcome = await connector.enquire({ ...request, ...changes[member](request) })
      assert.equal(outcome.kind, 'differs')
      assert(outcome.kind === 'differs' && outcome.fields.length > 0)
    })
  }
  test('the network\'s true answer about another payment is not believed of this one', async () => {
    const { connector, interposer, requestFor } = bound(trials)
    const other = await requestFor(direction)
    await connector.request(other)
    await settled(connector, other)
    const answer = interposer.calls('enquiry').at(-1)?.answer
    assert(answer !== undefined)
    const request = await requestFor(direction)
    interposer.script('enquiry', { kind: 'answer', ...answer })
    const outcome = await connector.enquire(request)
    assert(outcome.kind === 'differs' || outcome.kind === 'unknown', outcome.kind)
  })
  test('words of the network\'s own are not passed on: they may be the payer\'s number', async () => {
    const { connector, interposer, requestFor } = bound(trials)
    const request = await requestFor(direction)
    // Of a refund that goes by its collection alone, that one's.
    const text = payerOf(request) || under.good(request.money.currency)
    const { reference, payment, money } = request
    const asked = { reference, payment, amount: formatMoney(money), currency: money.currency }
    for (const answer of under.saying(text, asked)) {
      interposer.script('request', { kind: 'answer', ...answer })
      interposer.script('enquiry', { kind: 'answer', ...answer })
      const said = JSON.stringify([await connector.request(request), await connector.enquire(request)])
      assert(!said.includes(text.slice(-8)), said)
    }
  })
}
