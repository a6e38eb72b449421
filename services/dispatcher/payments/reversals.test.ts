import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import type { JobData } from '@ngome/contracts'
import type { PaymentId } from '@ngome/kernel'
import { callbackHintsMax, checkLedger, closeLedgerDays, findBalances, findStatement, firstPosition, listStatementEntries } from '@ngome/store'
import { ageLedger } from '@ngome/testkit'
import type { EnquiryOutcome, PaymentNetwork } from '../connectors/payment-network.ts'
import type { Dispatcher, Network } from '../dispatcher.ts'
import { authorize, OutgoingWorld, type SigningKey } from '../testing/outgoing-world.ts'
import { enquirePayment } from './enquire-payment.ts'

const signal = new AbortController().signal
const reversed: EnquiryOutcome = { kind: 'reversed', reason: 'TR' }

let world: OutgoingWorld
let key: SigningKey
let asked = 0
before(async () => {
  world = await OutgoingWorld.create()
  await ageLedger(world.database, 3)
  key = await world.addKey()
})
beforeEach(() => { asked = 0 })
after(() => world.close())

/** A dispatcher whose network counts what it is asked, and whose callbacks say in clear what they claim. */
function dispatcher(changes: Partial<PaymentNetwork> = {}): Dispatcher {
  const network = world.dispatcher.networks.get('mtn-sandbox') as Network
  const connector: PaymentNetwork = {
    ...network.connector, directions: network.connector.directions, isIdempotent: true,
    enquire: async (request) => {
      asked++
      return network.connector.enquire(request)
    },
    readCallback: (body) => {
      const word = Buffer.from(body).toString('utf8')
      return word === 'succeeded' || word === 'failed' ? word : undefined
    },
    ...changes,
  }
  return { ...world.dispatcher, networks: new Map([['mtn-sandbox', { ...network, connector }]]) }
}

const enquire = (payment: PaymentId, more: Partial<JobData<'payment-enquire'>> = {}, changes: Partial<PaymentNetwork> = {}) =>
  enquirePayment(dispatcher(changes), { ...world.merchant.tenant, payment, ...more }, signal)
const callback = (payment: PaymentId, word: string) => world.merchant.receiveCallback(payment, Buffer.from(word))
const statusOf = async (payment: PaymentId): Promise<unknown> => (await world.stateOf(payment) as readonly unknown[])[0]
async function eventsOf(payment: PaymentId): Promise<readonly string[]> {
  const rows = await world.database.asAdmin(`SELECT type FROM ngome.events WHERE data->>'payment' = $1 ORDER BY at`, [payment])
  return rows.map(({ type }) => String(type))
}
async function succeeded(): Promise<PaymentId> {
  const payment = await world.collect()
  world.answers = { ...world.answers, enquiry: reversed }
  return payment
}

test('from a callback to the statement: what was brought, taken back and repaid is in closed days, which add up with the balance', async () => {
  const { tenant } = world.merchant
  const kept = await world.collect('+46733123499', 3_000n)
  const payment = await succeeded()
  await callback(payment, 'TR')
  await enquire(payment)
  assert.deepEqual([await statusOf(kept), await statusOf(payment)], ['succeeded', 'reversed'])
  await closeLedgerDays(world.dispatcher, 'UTC')
  const [row] = await world.database.asAdmin("SELECT to_char(max(day), 'YYYY-MM-DD') AS day FROM ngome.closed_days")
  const day = row?.['day'] as string
  const [currency, gateway] = ['EUR' as const, world.database.open('ngome_gateway', { poolMax: 1 })]
  const period = { currency, from: '2020-01-01', to: day }
  const entries = await listStatementEntries(gateway, tenant, period, firstPosition, 1_000)
  const said = (of: PaymentId) => entries.filter(({ document }) => document === of).map(({ kind, isCredit, amountMinor }) => `${kind} ${isCredit ? '+' : '-'}${amountMinor}`)
  assert.deepEqual([said(kept), said(payment)], [['collection +3000'], ['collection +1000']])
  assert.ok(entries.some(({ kind, isCredit, amountMinor }) => kind === 'debt_repayment' && !isCredit && amountMinor > 0n))
  const [statement, [balance]] = [await findStatement(gateway, tenant, period), await findBalances(gateway, tenant)]
  const sum = entries.reduce((total, { isCredit, amountMinor }) => isCredit ? total + amountMinor : total - amountMinor, statement?.openingMinor ?? 0n)
  assert.equal(statement?.closingMinor, sum)
  // What is reserved for what is on its way has not been posted.
  assert.equal((balance?.availableMinor ?? 0n) + (balance?.reservedMinor ?? 0n) - (balance?.owedMinor ?? 0n), sum - await owed(currency))
  const { wrong, misheld } = await checkLedger(world.database.open('ngome_auditor', { poolMax: 1 }))
  assert.deepEqual([wrong, misheld], [[], []])
})

async function owed(currency: string): Promise<bigint> {
  const [row] = await world.database.asAdmin(`SELECT coalesce(sum(t.posted_out - t.posted_in), 0)::text AS owed
    FROM ngome.accounts a, ngome.account_totals(a.id) t WHERE a.merchant = $1 AND a.kind = 'merchant_debt' AND a.currency = $2`, [world.merchant.tenant.merchant, currency])
  return BigInt(row?.['owed'] as string)
}

describe('a payment that has succeeded', () => {
  test('is reversed by the network\'s own answer, which a callback leads to: once, proven, and the books agree', async () => {
    const payment = await succeeded()
    await callback(payment, 'TR')
    await enquire(payment)
    assert.deepEqual([await statusOf(payment), asked], ['reversed', 1])
    // The job ran again, and another callback came: there is nothing more to ask.
    await callback(payment, 'failed')
    await enquire(payment)
    assert.equal(asked, 1)
    const events = await eventsOf(payment)
    assert.equal(events.filter((type) => type === 'payment.reversed').length, 1)
    assert.ok(!events.includes('callback.contradicted'))
    const [row] = await world.database.asAdmin(`SELECT proof IS NOT NULL AS is_proven FROM ngome.object_events WHERE object = $1 AND type = 'payment.reversed'`, [payment])
    assert.equal(row?.['is_proven'], true)
    const { wrong, misheld } = await checkLedger(world.database.open('ngome_auditor', { poolMax: 1 }))
    assert.deepEqual([wrong, misheld], [[], []])
  })

  test('is not asked about where a callback says what is known, or nothing has come', async () => {
    const payment = await succeeded()
    await enquire(payment)
    await enquire(payment, { turn: 3 })
    await callback(payment, 'succeeded')
    await enquire(payment)
    assert.deepEqual([await statusOf(payment), asked], ['succeeded', 0])
  })

  test('is asked about a bounded number of times, however many callbacks somebody forges', async () => {
    const payment = await succeeded()
    world.answers = { ...world.answers, enquiry: { kind: 'succeeded', networkReference: 'n-1' } }
    for (let count = 0; count < 3 * callbackHintsMax; count++) {
      await callback(payment, 'forged').catch(() => undefined)
      await enquire(payment)
      await enquire(payment)
    }
    assert.deepEqual([await statusOf(payment), asked], ['succeeded', callbackHintsMax])
  })

  for (const [answer, isAlarm] of [
    [{ kind: 'succeeded', networkReference: 'n-1' }, false], [{ kind: 'pending' }, false], [{ kind: 'not_found' }, false],
    [{ kind: 'ambiguous', reason: 'x' }, false], [{ kind: 'unknown', reason: 'x' }, false],
    [{ kind: 'failed', failure: 'payer_refused', reason: 'x' }, true], [{ kind: 'differs', fields: ['amount'] }, true],
  ] as readonly (readonly [EnquiryOutcome, boolean])[]) {
    test(`stays so where the network answers ${answer.kind}${isAlarm ? ', and an alarm tells of it' : ''}`, async () => {
      const payment = await succeeded()
      world.answers = { ...world.answers, enquiry: answer }
      await enquire(payment, { recheck: true })
      assert.deepEqual([await statusOf(payment), asked, (await eventsOf(payment)).includes('payment.mismatch')], ['succeeded', 1, isAlarm])
    })
  }

  test('is asked about because a person wants to know, a day later as well', async () => {
    const payment = await succeeded()
    await world.database.asAdmin(`SET session_replication_role = replica; UPDATE ngome.attempts SET sent_at = now() - interval '40 days',
      prepared_at = now() - interval '40 days', known_at = now() - interval '40 days' WHERE payment = '${payment}'`)
    const openings = world.openings.length
    await enquire(payment, { recheck: true })
    assert.deepEqual([await statusOf(payment), asked, world.openings.length], ['reversed', 1, openings])
  })

  test('is not reversed where the network shows our own refund so, and is where the refund is over', async () => {
    const payment = await succeeded()
    await world.collect()
    const refund = await world.merchant.accept({
      phone: '+46733123499', direction: 'refund', original: payment, amountMinor: 1_000n,
      sealed: { payer: undefined, authorization: authorize({ key, target: `/v1/payments/${payment}/refunds`, body: { amount: '10.00', reference: 'order-42' } }) },
    })
    world.answers = { ...world.answers, enquiry: reversed }
    await enquire(payment, { recheck: true }, { showsRefundsAsReversals: true })
    assert.deepEqual([await statusOf(payment), asked], ['succeeded', 1])
    await world.database.asAdmin(`SET session_replication_role = replica; UPDATE ngome.payments SET status = 'cancelled' WHERE id = '${refund}'`)
    await enquire(payment, { recheck: true }, { showsRefundsAsReversals: true })
    assert.equal(await statusOf(payment), 'reversed')
  })
})
