import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { emit } from '@ngome/contracts'
import { newId, systemClock, systemRandom, type PaymentId } from '@ngome/kernel'
import { addTestMerchant, testAcceptance, testDatabase, type TestDatabase, type TestMerchant } from '@ngome/testkit'
import type { Database } from '../database.ts'
import { acceptPayment } from '../payments/accept-payment.ts'
import { loadPaymentForEnquiry } from './load-payment-for-enquiry.ts'
import { callbackHintsMax, recordCallbackHint } from './record-callback-hint.ts'

const from = { clock: systemClock, random: systemRandom }

let database: TestDatabase
let gateway: Database
let merchant: TestMerchant
before(async () => {
  database = await testDatabase()
  gateway = database.open('ngome_gateway', { poolMax: 16 })
  merchant = await addTestMerchant(database)
})
after(() => database.close())

const hint = (payment: PaymentId) => recordCallbackHint(gateway, merchant.tenant, {
  id: newId('callbackHint', from),
  payment,
  dataKey: merchant.dataKey,
  sealed: systemRandom.bytes(300),
  receivedAtMs: from.clock.nowMs(),
}, emit({ ...from, process: 'gateway' }, 'callback.received', merchant.tenant, { payment }))

async function accepted(): Promise<PaymentId> {
  const acceptance = testAcceptance(merchant)
  await acceptPayment(gateway, acceptance)
  return acceptance.payment.id
}

describe('a callback hint', () => {
  test('is kept, told of, and leads to an enquiry', async () => {
    const payment = await accepted()
    assert.equal(await hint(payment), 'recorded')
    const rows = await database.asAdmin(`SELECT
      (SELECT count(*)::int FROM pgboss.job WHERE name = 'payment-enquire' AND data->>'payment' = $1) AS jobs,
      (SELECT count(*)::int FROM ngome.events WHERE type = 'callback.received' AND data->>'payment' = $1) AS events`,
    [payment])
    assert.deepEqual(rows, [{ jobs: 1, events: 1 }])
    const { hints = [] } = await loadPaymentForEnquiry(database.open('ngome_dispatcher'), merchant.tenant, payment) ?? {}
    assert.equal(hints.length, 1)
    assert.equal(hints[0]?.dataKey.id, merchant.dataKey)
  })

  test('is one of eight at most, however fast they come', async () => {
    const payment = await accepted()
    const outcomes: string[] = []
    for (let round = 0; round < 6; round++) {
      outcomes.push(...await Promise.all(Array.from({ length: 5 }, () => hint(payment))))
    }
    const kept = outcomes.filter((outcome) => outcome === 'recorded').length
    assert.ok(kept >= 6 && kept <= callbackHintsMax, `${kept} kept`)
    const rows = await database.asAdmin('SELECT count(*)::int AS n FROM ngome.callback_hints WHERE payment = $1',
      [payment])
    assert.deepEqual(rows, [{ n: kept }])
    for (let n = kept; n < callbackHintsMax; n++) assert.equal(await hint(payment), 'recorded')
    assert.equal(await hint(payment), 'full')
  })

  test('for a payment that does not exist is not kept', async () => {
    assert.equal(await hint(newId('payment', from)), 'unknown')
  })
})
