import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PaymentDirection } from '@ngome/contracts'
import { formatMoney } from '@ngome/kernel'
import { parseLooseMoney } from '../parse-loose-money.ts'
import type { NetworkUnderTest } from './network-under-test.ts'
import { bound, settled, type Trials } from './trial.ts'

/** One, what a float gets wrong, what loses a nought, and the largest of a single payment that anybody makes. */
const amountsMinor = [1n, 29n, 100n, 1_010n, 123_450n, 99_999_999n]
const descriptions = [null, 'it\'s “two” chapati', '🍲'.repeat(80), 'x'.repeat(160), 'a\tb\nc\u0000d', '</script>{"a":1}']

/** The network writes down what we asked for, to the last unit, whatever the currency's digits. */
export function testAmounts(trials: Trials, under: NetworkUnderTest, direction: PaymentDirection): void {
  for (const currency of under.currencies) {
    const all = amountsMinor.map((amountMinor) => ({ amountMinor, currency }))
    test(`${all.map(formatMoney).join(', ')} ${currency} are that, to and from the right number`, async () => {
      const { requestFor, connect } = bound(trials)
      const connector = await connect({ currency })
      await Promise.all(all.map(async (money) => {
        const request = await requestFor(direction, { money })
        await connector.request(request)
        assert.equal((await settled(connector, request)).kind, 'succeeded')
        const [movement, ...more] = await trials().running.movements(request.reference)
        assert(movement !== undefined && more.length === 0)
        const amountMinor = parseLooseMoney(movement.amount, currency)?.amountMinor
        assert.deepEqual([amountMinor, movement.currency, movement.phone], [money.amountMinor, currency, under.good(currency)])
      }))
    })
  }
  for (const description of descriptions) {
    test(`a description is never why a payment fails: ${JSON.stringify(description).slice(0, 30)}`, async () => {
      const { connector, requestFor } = bound(trials)
      assert.equal((await connector.request(await requestFor(direction, { description }))).kind, 'taken')
    })
  }
}
