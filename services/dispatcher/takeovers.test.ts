import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { emit } from '@ngome/contracts'
import { newId, systemRandom, type PaymentId } from '@ngome/kernel'
import { checkLedger, enqueue, inTenant, markAttemptSent, prepareAttempt, recordOutcome, type Database } from '@ngome/store'
import { eventSource, type Dispatcher } from './dispatcher.ts'
import { settlePayment } from './payments/settle-payment.ts'
import { changeProver } from './webhooks/prove-change.ts'
import { base, timing, World } from './testing/dispatcher-world.ts'

let world: World
before(async () => { world = await World.create() })
after(() => world.close())

describe('a dispatcher that died', () => {
  let dispatcher: Dispatcher
  let db: Database
  before(async () => {
    dispatcher = await world.dispatcher()
    db = dispatcher.db
    await world.simulator.script([])
  })
  after(async () => {
    await world.stopWorkers()
    dispatcher.egress.close()
  })
  const prepare = (id: PaymentId, reference: string) =>
    prepareAttempt(db, world.merchant.tenant, id, { id: newId('attempt', base), reference, factsProof: systemRandom.bytes(32), atMs: Date.now() })
  const markSent = (payment: PaymentId, fence: number) => markAttemptSent(db, world.merchant.tenant, { payment, fence, atMs: Date.now() },
    emit(eventSource(dispatcher), 'payment.processing', world.merchant.tenant, { payment, status: 'processing' }), changeProver(dispatcher))

  test('after preparing: another goes on with the same reference', async () => {
    const reference = crypto.randomUUID()
    const id = await world.accept('+46733210001')
    await prepare(id, reference)
    world.start(dispatcher)
    assert.equal((await world.ended(id))[0], 'succeeded')
    await world.assertTruth(id)
    assert((await world.simulator.charges()).some((charge) => charge.reference === reference && charge.externalId === id))
  })
  test('after saying "sent", before the first byte: another asks, and sends the same reference after the settling time', async () => {
    await world.stopWorkers()
    const reference = crypto.randomUUID()
    const id = await world.accept('+46733210002')
    const attempt = await prepare(id, reference)
    assert.equal(await markSent(id, attempt?.fence ?? 0), 'marked')
    const sentAtMs = Date.now()
    world.start(dispatcher)
    assert.equal((await world.ended(id))[0], 'succeeded')
    await world.assertTruth(id)
    const charge = (await world.simulator.charges()).find(({ externalId }) => externalId === id) as { reference: string; takenAtMs: number } | undefined
    assert.equal(charge?.reference, reference)
    assert(charge.takenAtMs - sentAtMs >= timing.settleAfterMs)
  })
  test('ten takeovers are no sendings: the reference is sent again after one settling time', async () => {
    await world.stopWorkers()
    const id = await world.accept('+46733210005')
    for (let takeover = 1; takeover <= 8; takeover++) await prepare(id, crypto.randomUUID())
    assert.equal(await markSent(id, 8), 'marked')
    const sentAtMs = Date.now()
    for (let takeover = 9; takeover <= 10; takeover++) await prepare(id, crypto.randomUUID())
    world.start(dispatcher)
    assert.equal((await world.ended(id))[0], 'succeeded')
    await world.assertTruth(id)
    const charge = (await world.simulator.charges()).find(({ externalId }) => externalId === id) as { takenAtMs: number } | undefined
    assert(charge !== undefined && charge.takenAtMs - sentAtMs >= timing.settleAfterMs)
    // Counted as sendings, eight would wait beyond the time after which nothing is sent again.
    assert(8 * timing.settleAfterMs > timing.giveUpAfterMs)
  })
  test('whoever held an earlier fence can neither say "sent" nor end the payment', async () => {
    await world.stopWorkers()
    const id = await world.accept('+46733210003')
    const [first, second] = [await prepare(id, crypto.randomUUID()), await prepare(id, crypto.randomUUID())]
    assert.equal(first?.reference, second?.reference)
    assert.equal(await markSent(id, first?.fence ?? 0), 'superseded')
    const event = emit(eventSource(dispatcher), 'payment.failed', world.merchant.tenant, { payment: id, status: 'failed', failure: 'network_refused' })
    const outcome = { status: 'failed', failure: 'network_refused', networkReason: null } as const
    assert.equal(await recordOutcome(db, base, world.merchant.tenant, { payment: id, fence: first?.fence ?? 0, outcome, event, prove: () => null }), 'superseded')
    world.start(dispatcher)
    assert.equal((await world.ended(id))[0], 'succeeded')
    await world.assertTruth(id)
  })
  test('an end that comes after another took the attempt over leaves the payment open, to be asked about again', async () => {
    await world.stopWorkers()
    const id = await world.accept('+46733210004')
    const attempt = await prepare(id, crypto.randomUUID())
    await markSent(id, attempt?.fence ?? 0)
    const network = dispatcher.networks.get('mtn-sandbox')
    assert(network !== undefined)
    for (const answer of [{ kind: 'failed', failure: 'payer_refused', reason: 'x' }, { kind: 'succeeded', networkReference: null }] as const) {
      const connector = { ...network.connector, enquire: async () => {
        await prepare(id, crypto.randomUUID())
        return answer
      } }
      const overtaken = { ...dispatcher, networks: new Map([['mtn-sandbox', { ...network, connector }]]) }
      const settlement = await settlePayment(overtaken, world.merchant.tenant, id, new AbortController().signal)
      assert.equal(settlement.kind, 'open')
      assert.equal((await world.stateOf(id)).status, 'processing')
    }
    world.start(dispatcher)
    assert.equal((await world.ended(id))[0], 'succeeded')
    await world.assertTruth(id)
  })
})

test('three dispatchers and ten jobs for each payment: one charge', async () => {
  await world.simulator.script([{ on: 'request', do: { kind: 'take_and_answer', status: 500 }, share: 0.5 }])
  const dispatchers = await Promise.all([world.dispatcher(), world.dispatcher(), world.dispatcher()])
  const { tenant } = world.merchant
  const ids = await Promise.all(Array.from({ length: 10 }, (_, at) => world.accept(`+4673322000${at}`)))
  const db = world.database.open('ngome_dispatcher')
  await inTenant(db, tenant, async (tx) => {
    for (const payment of ids) for (let copy = 0; copy < 10; copy++) await enqueue(tx, 'payment-dispatch', { ...tenant, payment })
  })
  for (const dispatcher of dispatchers) world.start(dispatcher)
  for (const id of ids) {
    const ended = await world.ended(id)
    await world.assertTruth(id)
    assert.deepEqual(ended, ['succeeded', null])
    const events = await world.eventsOf(id)
    assert.equal(events.filter((type) => type === 'payment.processing').length, 1)
    assert.equal(events.filter((type) => type === 'payment.succeeded').length, 1)
  }
  await world.stopWorkers()
  for (const { egress } of dispatchers) egress.close()
})

const seed = Number(process.env['NGOME_TEST_SEED'] ?? 20_261_122)
test(`forty payments under every manner at random, with the network killed twice, end in the truth (seed ${seed})`, async () => {
  await world.simulator.script([
    ...['answer', 'take_and_answer'].map((kind) => ({ on: 'request', do: { kind, status: 500 }, share: 0.15 })),
    ...['hang', 'take_and_hang'].map((kind) => ({ on: 'request', do: { kind }, share: 0.1 })),
    { on: 'request', do: { kind: 'answer_then_take', status: 503, delayMs: 300 }, share: 0.1 },
    { on: 'status', do: { kind: 'answer', status: 500 }, share: 0.2 },
    { on: 'status', do: { kind: 'not_found' }, share: 0.2 },
    { on: 'status', do: { kind: 'token_expired' }, share: 0.05 },
    { on: 'callback', do: { kind: 'lie' }, share: 0.3 },
    { on: 'callback', do: { kind: 'drop' }, share: 0.3 },
  ], seed)
  const dispatcher = await world.dispatcher()
  world.start(dispatcher)
  const ids: PaymentId[] = []
  for (let at = 0; at < 40; at++) ids.push(await world.accept(`+467331234${String((at * 7) % 100).padStart(2, '0')}`))
  for (let kill = 0; kill < 2; kill++) {
    await sleep(400)
    await world.simulator.kill()
    await world.simulator.restart()
  }
  for (const id of ids) {
    await world.ended(id, 60_000)
    await world.assertTruth(id)
  }
  const ledger = await checkLedger(world.database.open('ngome_auditor'))
  assert.deepEqual([ledger.wrong, ledger.misheld], [[], []])
  await world.stopWorkers()
  dispatcher.egress.close()
})
