import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { PaymentStatus } from '@ngome/contracts'
import { Fault, newId } from '@ngome/kernel'
import type { SealedPaymentOptions } from '@ngome/testkit'
import type { Dispatcher } from './dispatcher.ts'
import { dispatchPayment } from './payments/dispatch-payment.ts'
import { base, World } from './testing/dispatcher-world.ts'

let world: World
before(async () => { world = await World.create() })
after(() => world.close())

describe('one dispatcher', () => {
  let dispatcher: Dispatcher
  before(async () => {
    dispatcher = await world.dispatcher()
    world.start(dispatcher)
  })
  after(async () => {
    await world.stopWorkers()
    dispatcher.egress.close()
  })
  beforeEach(() => world.simulator.script([]))

  test('every documented number reaches its end, charged at most once', async () => {
    const ends: readonly [string, PaymentStatus, string | null][] = [
      ['+46733123450', 'failed', 'insufficient_funds'], ['+46733123451', 'failed', 'payer_refused'],
      ['+46733123452', 'failed', 'payer_timed_out'], ['+46733123453', 'failed', 'payer_timed_out'],
      ['+46733123454', 'succeeded', null], ['+46733123455', 'failed', 'payer_unknown'],
      ['+46733123456', 'failed', 'not_allowed'], ['+46733123457', 'failed', 'not_allowed'],
      ['+46733123458', 'failed', 'network_refused'], ['+46733123459', 'failed', 'network_refused'],
      ['+46733123460', 'failed', 'network_refused'], ['+46733123461', 'failed', 'insufficient_funds'],
      // Taken by nobody, and never refused by name: given up after all its sendings.
      ['+46733123462', 'failed', 'network_refused'],
      ['+46733123463', 'failed', 'payer_timed_out'], ['+46733123499', 'succeeded', null],
    ]
    await Promise.all(ends.map(async ([phone, ...end]) => {
      const id = await world.accept(phone)
      const ended = await world.ended(id)
      await world.assertTruth(id)
      assert.deepEqual(ended, end, phone)
      assert.deepEqual((await world.eventsOf(id)).filter((type) => type.startsWith('payment.') && type !== 'payment.in_doubt'),
        ['payment.accepted', 'payment.processing', `payment.${end[0]}`])
    }))
  })

  test('every bad manner ends in the truth, charged at most once', async () => {
    const manners: readonly object[] = [
      { on: 'request', do: { kind: 'answer', status: 500 }, times: 1 },
      { on: 'request', do: { kind: 'answer', status: 503 }, times: 2 },
      { on: 'request', do: { kind: 'hang' }, times: 1 },
      { on: 'request', do: { kind: 'take_and_hang' } },
      { on: 'request', do: { kind: 'take_and_answer_late', delayMs: 1_500 } },
      { on: 'request', do: { kind: 'take_and_answer', status: 500 } },
      { on: 'request', do: { kind: 'answer_then_take', status: 500, delayMs: 250 }, times: 1 },
      // Still in MTN's queue when the reference is sent again.
      { on: 'request', do: { kind: 'answer_then_take', status: 503, delayMs: 1_500 }, times: 1 },
      // Refused by one part of MTN and taken by another, after the first enquiries.
      { on: 'request', do: { kind: 'answer_then_take', status: 403, delayMs: 500 }, times: 1 },
      { on: 'request', do: { kind: 'answer_then_take', status: 400, delayMs: 1_200 }, times: 1 },
      { on: 'request', do: { kind: 'answer', status: 400 } },
      { on: 'request', do: { kind: 'token_expired' }, times: 1 },
      { on: 'request', do: { kind: 'decide', reason: 'APPROVAL_REJECTED' } },
      { on: 'status', do: { kind: 'answer', status: 500 }, times: 2 },
      { on: 'status', do: { kind: 'hang' }, times: 1 },
      { on: 'status', do: { kind: 'answer_late', delayMs: 1_500 }, times: 1 },
      { on: 'status', do: { kind: 'rate_capped' }, times: 2 },
      { on: 'status', do: { kind: 'token_expired' }, times: 1 },
      // MTN forgets for longer than we would have waited, had it never had the charge.
      { on: 'status', do: { kind: 'not_found' }, times: 8 },
      { on: 'callback', do: { kind: 'drop' } },
      { on: 'callback', do: { kind: 'twice' } },
      { on: 'callback', do: { kind: 'before_answer' } },
      { on: 'callback', do: { kind: 'late', delayMs: 500 } },
    ]
    const payers = manners.map((manner, at) => ({ manner, payer: String(46_733_200_000 + at) }))
    await world.simulator.script(payers.map(({ manner, payer }) => ({ ...manner, payer })))
    await Promise.all(payers.map(async ({ manner, payer }) => {
      const id = await world.accept(`+${payer}`)
      await world.ended(id).catch((error: unknown) => { throw new Error(JSON.stringify(manner), { cause: error }) })
      await world.assertTruth(id)
    }))
  })

  for (const [name, phone, status] of [
    ['succeeded', '+46733201001', 'succeeded'], ['failed', '+46733201002', 'failed'],
  ] as const) {
    test(`a callback that lies about a payment that ${name} changes nothing and is reported`, async () => {
      await world.simulator.script([
        { on: 'callback', do: { kind: 'lie' } },
        ...(status === 'failed' ? [{ on: 'request', do: { kind: 'decide', reason: 'EXPIRED' } }] : []),
      ])
      const id = await world.accept(phone)
      assert.equal((await world.ended(id))[0], status)
      await world.untilEvent(id, 'callback.contradicted')
      await world.assertTruth(id)
    })
  }
  test('a callback that tells the truth is not reported, one that says nothing is not either', async () => {
    const id = await world.accept('+46733201003')
    await world.ended(id)
    await world.untilEvent(id, 'callback.received')
    await world.merchant.receiveCallback(id, Buffer.from('not JSON'))
    await sleep(500)
    assert(!(await world.eventsOf(id)).includes('callback.contradicted'))
  })
  test('a callback that lies while the custodian is away is judged when it is back, once', async () => {
    const id = await world.accept('+46733201005')
    await world.untilEvent(id, 'payment.processing')
    world.refusal = 'budget_spent'
    await world.merchant.receiveCallback(id, Buffer.from(JSON.stringify({ externalId: id, status: 'FAILED', reason: 'EXPIRED' })))
    assert.equal((await world.ended(id))[0], 'succeeded')
    // By now the job that ended the payment is one that runs again.
    await sleep(300)
    assert(!(await world.eventsOf(id)).includes('callback.contradicted'))
    world.refusal = undefined
    await world.untilEvent(id, 'callback.contradicted')
    await world.merchant.receiveCallback(id, Buffer.from('not JSON'))
    await sleep(600)
    assert.equal((await world.eventsOf(id)).filter((type) => type === 'callback.contradicted').length, 1)
  })
  test('callbacks for a payment that was not sent yet ask nobody', async () => {
    world.isCustodianAway = true
    const id = await world.accept('+46733201004')
    await world.merchant.receiveCallback(id, Buffer.from('{"status":"SUCCESSFUL"}'))
    await sleep(300)
    assert.equal((await world.stateOf(id)).status, 'accepted')
    world.isCustodianAway = false
    assert.equal((await world.ended(id))[0], 'succeeded')
  })

  const tampered: readonly [string, Partial<SealedPaymentOptions>, string, string?][] = [
    ['the amount differs', { sealed: { amount_minor: '501' } }, 'payment.mismatch', 'amount_minor'],
    ['the currency differs', { sealed: { currency: 'UGX' } }, 'payment.mismatch', 'currency'],
    ['the network differs', { sealed: { network: 'mtn-ug' } }, 'payment.mismatch', 'network'],
    ['the payee differs', { sealed: { payee: newId('merchant', base) } }, 'payment.mismatch', 'merchant'],
    ['the reference differs', { sealed: { reference: 'order-43' } }, 'payment.mismatch', 'reference'],
    ['the payer differs', { sealed: { payer: { phone: '+46733123498' } } }, 'payment.mismatch', 'payer_masked'],
    ['the currency is not the network\'s', { currency: 'UGX', sealed: { currency: 'UGX' } }, 'payment.mismatch', 'currency'],
    ['it was sealed for another payment', { context: { recordId: newId('payment', base) } }, 'payment.unopenable'],
    ['it was sealed for another table', { context: { table: 'callback_hints' } }, 'payment.unopenable'],
    ['it is an older version', { context: { version: 2 } }, 'payment.unopenable'],
    ['what was sealed is no payment', { sealed: { direction: 'donation' as 'payout' } }, 'payment.unopenable'],
  ]
  for (const [name, options, alarm, field] of tampered) {
    test(`${name}: an alarm, record_refused, and nothing is sent`, async () => {
      const id = await world.accept('+46733123499', options)
      assert.deepEqual(await world.ended(id), ['failed', 'record_refused'])
      const [event] = await world.database.asAdmin('SELECT severity, data FROM ngome.events WHERE type = $1 AND data->>\'payment\' = $2', [alarm, id])
      assert.equal(event?.['severity'], 'alarm')
      assert.deepEqual(event['data'], field === undefined ? { payment: id } : { payment: id, fields: [field] })
      assert.deepEqual(await world.chargesOf(id), [])
      assert(!(await world.eventsOf(id)).includes('payment.processing'))
    })
  }
  for (const reason of ['unsigned', 'unproven', 'caller_not_permitted', 'request_invalid', 'budget_spent']) {
    test(`a custodian that refuses the caller (${reason}): the payment waits as accepted`, async () => {
      world.refusal = reason
      const id = await world.accept('+46733202900')
      await sleep(400)
      assert.equal((await world.stateOf(id)).status, 'accepted')
      const [alarms] = await world.database.asAdmin('SELECT count(*)::int AS n FROM ngome.events WHERE type = \'custodian.budget_spent\' AND data->>\'purpose\' = \'dispatch\'')
      assert.deepEqual(alarms, { n: reason === 'budget_spent' ? 1 : 0 })
      world.refusal = undefined
      assert.equal((await world.ended(id))[0], 'succeeded')
      await world.assertTruth(id)
    })
  }
  test('a custodian that refuses the record, signed: the payment ends, and nothing is sent', async () => {
    world.refusal = 'record_refused'
    const id = await world.accept('+46733123499')
    assert.deepEqual(await world.ended(id), ['failed', 'record_refused'])
    world.refusal = undefined
    assert.deepEqual(await world.chargesOf(id), [])
  })
  test('a custodian that is away: payments wait as accepted, and are caught up with', async () => {
    world.isCustodianAway = true
    const ids = await Promise.all(Array.from({ length: 12 }, (_, at) => world.accept(`+467332020${String(at).padStart(2, '0')}`)))
    await sleep(700)
    for (const id of ids) assert.equal((await world.stateOf(id)).status, 'accepted')
    world.isCustodianAway = false
    for (const id of ids) {
      assert.equal((await world.ended(id))[0], 'succeeded')
      await world.assertTruth(id)
    }
  })
  test('a network that gives no token: payments wait as accepted', async () => {
    const other = await world.dispatcher()
    await world.simulator.script([{ on: 'token', do: { kind: 'answer', status: 503 } }])
    await world.stopWorkers()
    world.start(other)
    const id = await world.accept('+46733203001')
    await sleep(500)
    assert.equal((await world.stateOf(id)).status, 'accepted')
    await world.simulator.script([])
    assert.equal((await world.ended(id))[0], 'succeeded')
    await world.stopWorkers()
    other.egress.close()
    world.start(dispatcher)
  })
  test('a network that answers nobody holds up no other network\'s payments, however many wait for it', async () => {
    await world.stopWorkers()
    const network = 'mtn-slow'
    const mtn = dispatcher.networks.get('mtn-sandbox')
    assert(mtn !== undefined)
    const letGo = Promise.withResolvers<void>()
    let asked = 0
    const connector: typeof mtn.connector = { ...mtn.connector, prepare: async () => 'ready', request: async () => {
      asked++
      await letGo.promise
      return { kind: 'not_sent', reason: 'let go' }
    } }
    const slow = { ...dispatcher, networks: new Map([['mtn-sandbox', mtn], [network, { ...mtn, connector }]]) }
    // More than there are places for payments of all networks.
    const held = await Promise.all(Array.from({ length: 300 }, (_, at) =>
      world.accept(`+46733204${String(at).padStart(3, '0')}`, { network, sealed: { network } })))
    world.start(slow)
    const id = await world.accept('+46733205001')
    assert.equal((await world.ended(id))[0], 'succeeded')
    assert(asked > 0 && asked < held.length)
    const stopped = world.stopWorkers()
    letGo.resolve()
    await stopped
    for (const each of held) assert.equal((await world.stateOf(each)).status, 'accepted')
    await world.database.asAdmin('DELETE FROM pgboss.job WHERE data->>\'network\' = $1', [network])
    world.start(dispatcher)
  })
  test('a network that the configuration does not know any more: the payment waits, and the fault says so', async () => {
    const network = 'mtn-gone'
    const payment = await world.accept('+46733203003', { network, sealed: { network } })
    await assert.rejects(
      dispatchPayment(dispatcher, { ...world.merchant.tenant, payment }, new AbortController().signal),
      (error) => error instanceof Fault && error.code === 'provider/unavailable',
    )
    assert.equal((await world.stateOf(payment)).status, 'accepted')
  })
  test('an amount that somebody changed after the sending is an alarm, and is never booked', async () => {
    const id = await world.accept('+46733123453')
    await world.untilEvent(id, 'payment.processing')
    const change = (amountMinor: number): Promise<unknown> => world.database.asAdmin(
      `SET session_replication_role = replica; UPDATE ngome.payments SET amount_minor = ${amountMinor} WHERE id = '${id}'`)
    await change(5_000_000)
    await world.untilEvent(id, 'payment.mismatch')
    // MTN's own end of it comes after a second, and is not believed for this amount.
    await sleep(1_500)
    assert.equal((await world.stateOf(id)).status, 'in_doubt')
    await change(500)
    assert.deepEqual(await world.ended(id), ['failed', 'payer_timed_out'])
    await world.assertTruth(id)
  })
})
