import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { newId, systemClock, systemRandom, type PaymentId } from '@ngome/kernel'
import { Purse } from '@ngome/testkit'
import { Misuse } from './command.ts'
import { paymentsRecheck } from './payments-recheck.ts'
import { operatorAt, type OperatorAt } from './testing/operator-at.ts'

let operator: OperatorAt
let purse: Purse
before(async () => {
  operator = await operatorAt()
  const { database } = operator
  purse = await Purse.open(database, database.open('ngome_gateway', { poolMax: 1 }), database.open('ngome_dispatcher', { poolMax: 1 }))
})
after(() => operator.close())

const jobs = async (payment: string): Promise<readonly unknown[]> => (await operator.database.asAdmin(
  `SELECT data FROM pgboss.job WHERE name = 'payment-enquire' AND data->>'payment' = $1 AND data->'recheck' = 'true'`, [payment])).map(({ data }) => data)
const told = (payment: string): Promise<readonly unknown[]> => operator.database.asAdmin(
  `SELECT merchant, process FROM ngome.events WHERE type = 'payment.recheck_asked' AND data->>'payment' = $1`, [payment])

/** By its state: whether there is anything to ask about. */
const states: readonly (readonly [string, () => Promise<PaymentId>, boolean])[] = [
  ['has succeeded', () => purse.move(500n), true],
  ['was paid out', () => purse.move(20n, { direction: 'payout' }), true],
  ['is on its way', async () => {
    const payment = await purse.begin(500n)
    await purse.send(payment)
    return payment
  }, true],
  ['was not sent', () => purse.begin(500n), false],
  ['has failed', async () => {
    const payment = await purse.begin(500n)
    await purse.end(payment, 'failed')
    return payment
  }, false],
  ['was reversed', async () => {
    const payment = await purse.move(5n)
    await purse.reverse(payment)
    return payment
  }, false],
  ['never was', async () => newId('payment', { clock: systemClock, random: systemRandom }), false],
]
for (const [what, make, isAsked] of states) {
  test(`a payment that ${what} is ${isAsked ? 'asked about, which is in the audit log' : 'not asked about, which is said'}`, async () => {
    const payment = await make()
    const { merchant, world } = purse.merchant.tenant
    const [code, said] = await operator.run(paymentsRecheck, { payment })
    assert.deepEqual([code, said], isAsked
      ? [0, `${payment} of ${merchant} (${world}) is asked about; ngome events --follow tells of what comes of it`]
      : [1, `there is nothing to ask about ${payment}: it was not sent, or did not succeed`])
    assert.deepEqual(await jobs(payment), isAsked ? [{ merchant, world, payment, network: 'mtn-sandbox', recheck: true }] : [])
    assert.deepEqual(await told(payment), isAsked ? [{ merchant, process: 'operator' }] : [])
    const [again, json] = await operator.run(paymentsRecheck, { payment }, {}, true)
    assert.deepEqual([again, JSON.parse(json)], [isAsked ? 0 : 1, { payment, isAsked }])
  })
}

for (const payment of ['', 'x', 'stl_01jd0000000000000000000000', 'pay_01jd000000000000000000000', 'pay_01jd0000000000000000000000; DROP TABLE ngome.payments']) {
  test(`refuses ${JSON.stringify(payment)}, which is no payment's id`, () => assert.rejects(operator.run(paymentsRecheck, { payment }), Misuse))
}
