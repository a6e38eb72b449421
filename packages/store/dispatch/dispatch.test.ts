import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { emit } from '@ngome/contracts'
import {
  Fault, newId, systemClock, systemRandom, type PaymentId, type Tenant, type WebhookDeliveryId, type WebhookEndpointId,
} from '@ngome/kernel'
import type { ObjectEvent } from '@ngome/payments'
import { addTestMerchant, testAcceptance, testDatabase, type TestDatabase, type TestMerchant } from '@ngome/testkit'
import type { Database } from '../database.ts'
import { checkLedger } from '../ledger-check.ts'
import { acceptPayment } from '../payments/accept-payment.ts'
import { inTenant } from '../transaction.ts'
import { deleteWebhookEndpoint } from '../webhooks/delete-webhook-endpoint.ts'
import { findWebhookEndpoint } from '../webhooks/find-webhook-endpoint.ts'
import { insertWebhookEndpoint } from '../webhooks/insert-webhook-endpoint.ts'
import { listWebhookDeliveries } from '../webhooks/list-webhook-deliveries.ts'
import { findOpenPayments } from './find-open-payments.ts'
import { loadDelivery } from './load-delivery.ts'
import { loadPaymentForDispatch } from './load-payment.ts'
import { markAttemptSent, markNewAttemptSent } from './mark-attempt-sent.ts'
import type { EndpointHealthRules } from './note-endpoint-health.ts'
import { markAttemptSentAgain } from './mark-attempt-sent-again.ts'
import { prepareAttempt } from './prepare-attempt.ts'
import { recordDeliveryResult, type DeliveryResult } from './record-delivery-result.ts'
import { recordOutcome, type PaymentOutcome } from './record-outcome.ts'
import { scheduleEnquiry } from './schedule-enquiry.ts'

const from = { clock: systemClock, random: systemRandom }
const dispatcherEvents = { ...from, process: 'dispatcher' } as const

let database: TestDatabase
let gateway: Database
let dispatcher: Database
let merchant: TestMerchant
before(async () => {
  database = await testDatabase()
  gateway = database.open('ngome_gateway')
  dispatcher = database.open('ngome_dispatcher')
  merchant = await addTestMerchant(database)
})
after(() => database.close())

async function accepted(): Promise<PaymentId> {
  const acceptance = testAcceptance(merchant)
  await acceptPayment(gateway, acceptance)
  return acceptance.payment.id
}

/** Which events the changes of these tests were given to prove, and with which facts. */
const proven = new Map<string, { readonly event: ObjectEvent; readonly facts: Uint8Array | null }>()
const factsProof = systemRandom.bytes(32)
const eventProof = systemRandom.bytes(32)
const prove = (event: ObjectEvent, facts: Uint8Array | null): Uint8Array => {
  proven.set(event.id, { event, facts })
  return eventProof
}
/** An endpoint has all the time that there is. */
const rules: EndpointHealthRules = {
  warnAfterMs: Infinity, disableAfterMs: Infinity, disableAfterTries: Infinity, event: () => assert.fail('nobody is told'), prove: () => null,
}

const prepare = (payment: PaymentId, db = dispatcher) => prepareAttempt(db, merchant.tenant, payment,
  { id: newId('attempt', from), reference: randomUUID(), factsProof, atMs: from.clock.nowMs() })

const markSent = (payment: PaymentId, fence: number, db = dispatcher) => markAttemptSent(db, merchant.tenant,
  { payment, fence, atMs: from.clock.nowMs() },
  emit(dispatcherEvents, 'payment.processing', merchant.tenant, { payment, status: 'processing' }), prove)

const succeeded: PaymentOutcome = { status: 'succeeded', networkReference: 'net-1' }
const failed: PaymentOutcome = { status: 'failed', failure: 'payer_refused', networkReason: 'APPROVAL_REJECTED' }

const end = (payment: PaymentId, fence: number | null, outcome: PaymentOutcome, db = dispatcher) => {
  const { status } = outcome
  const event = status === 'succeeded'
    ? emit(dispatcherEvents, 'payment.succeeded', merchant.tenant, { payment, status })
    : emit(dispatcherEvents, 'payment.failed', merchant.tenant, { payment, status, failure: outcome.failure })
  return recordOutcome(db, from, merchant.tenant, { payment, fence, outcome, event, prove })
}

/** Status and failure of the payment, state of its transfer, state and fence of its attempt. */
const stateOf = async (payment: PaymentId): Promise<unknown> => {
  const [row] = await database.asAdmin(`
    SELECT p.status, p.failure, (SELECT max(phase) FILTER (WHERE t.is_end OR NOT EXISTS (SELECT FROM ngome.transfers e WHERE e.payment = p.id AND e.is_end)) FROM ngome.transfers t WHERE t.payment = p.id) AS transfer, a.state AS attempt, a.fence
    FROM ngome.payments p LEFT JOIN ngome.attempts a ON a.payment = p.id
    WHERE p.id = $1`, [payment])
  return row === undefined ? undefined : Object.values(row)
}

async function addEndpoint(): Promise<WebhookEndpointId> {
  const id = newId('webhookEndpoint', from)
  const outcome = await insertWebhookEndpoint(gateway, {
    tenant: merchant.tenant,
    endpoint: {
      id,
      url: 'https://shop.example/hooks',
      encryption: 'none',
      eventTypes: null,
      termsProof: systemRandom.bytes(32),
      dataKey: merchant.dataKey,
      sealedSecret: systemRandom.bytes(200),
      createdAtMs: from.clock.nowMs(),
    },
    event: emit({ ...from, process: 'gateway' }, 'webhook_endpoint.created', merchant.tenant, { endpoint: id }),
    idempotency: testAcceptance(merchant).idempotency,
  })
  assert.equal(outcome.kind, 'accepted')
  return id
}

/** As the job of its next try finds it. */
const seen = async (id: WebhookDeliveryId) => await loadDelivery(dispatcher, merchant.tenant, id) ?? assert.fail(id)

const removeEndpoint = (id: WebhookEndpointId) => deleteWebhookEndpoint(gateway, merchant.tenant, id,
  emit({ ...from, process: 'gateway' }, 'webhook_endpoint.deleted', merchant.tenant, { endpoint: id }))

describe('the way of an attempt', () => {
  test('a payment that succeeds posts its transfer', async () => {
    const payment = await accepted()
    const attempt = await prepare(payment)
    assert.equal(attempt?.state, 'prepared')
    assert.equal(attempt?.fence, 1)
    assert.equal(await markSent(payment, 1), 'marked')
    assert.deepEqual(await stateOf(payment), ['processing', null, 'pending', 'sent', 1])
    assert.equal(await end(payment, 1, succeeded), 'recorded')
    assert.deepEqual(await stateOf(payment), ['succeeded', null, 'posted', 'known', 1])
    const loaded = await loadPaymentForDispatch(dispatcher, merchant.tenant, payment)
    assert.equal(loaded?.attempt?.reference, attempt?.reference)
    assert.equal(loaded?.sealed.length, 320)
    assert.equal(loaded?.dataKey.sealed.length, 1200)
  })

  test('an attempt that is made as sent leaves nothing where its change cannot be proven', async () => {
    const payment = await accepted()
    const send = (proving: typeof prove) => markNewAttemptSent(dispatcher, merchant.tenant, payment,
      { id: newId('attempt', from), reference: randomUUID(), factsProof, atMs: from.clock.nowMs() },
      emit(dispatcherEvents, 'payment.processing', merchant.tenant, { payment, status: 'processing' }), proving)
    await assert.rejects(send(() => { throw new TypeError('no secret') }), /no secret/)
    assert.deepEqual(await stateOf(payment), ['accepted', null, 'pending', null, null])
    assert.equal(await send(prove), 'marked')
    assert.deepEqual(await stateOf(payment), ['processing', null, 'pending', 'sent', 1])
    const [told] = await database.asAdmin('SELECT id, proof FROM ngome.object_events WHERE object = $1 AND sequence = 2', [payment])
    assert.deepEqual([told?.['proof'], proven.get(told?.['id'] as string)?.facts], [eventProof, factsProof].map((bytes) => Buffer.from(bytes)))
    assert.equal(await send(prove), 'superseded')
  })

  test('an end takes back the first enquiry, where nobody has begun it, and no other payment\'s nor any later one', async () => {
    const [ended, begun, later, open] = [await accepted(), await accepted(), await accepted(), await accepted()]
    const all = [ended, begun, later, open]
    const plan = (payment: PaymentId, turn: number) => scheduleEnquiry(dispatcher, { ...merchant.tenant, payment, turn }, 60_000)
    for (const payment of all) {
      await prepare(payment)
      await markSent(payment, 1)
      assert.equal(await plan(payment, 0), 'scheduled')
    }
    await plan(later, 1)
    await database.asAdmin(`UPDATE pgboss.job SET state = 'active' WHERE name = 'payment-enquire' AND data->>'payment' = $1`, [begun])
    for (const payment of [ended, begun, later]) assert.equal(await end(payment, 1, succeeded), 'recorded')
    const jobs = await database.asAdmin(`SELECT data->>'payment' AS payment, (data->>'turn')::int AS turn FROM pgboss.job
      WHERE name = 'payment-enquire' AND data->>'payment' = ANY($1)`, [all])
    assert.deepEqual(new Set(jobs.map(({ payment, turn }) => `${String(payment)} ${String(turn)}`)), new Set([`${begun} 1`, `${later} 2`, `${open} 1`]))
    await database.asAdmin(`DELETE FROM pgboss.job WHERE data->>'payment' = ANY($1)`, [all])
  })

  test('a payment that fails voids its transfer', async () => {
    const payment = await accepted()
    await prepare(payment)
    await markSent(payment, 1)
    assert.equal(await end(payment, 1, failed), 'recorded')
    assert.deepEqual(await stateOf(payment), ['failed', 'payer_refused', 'voided', 'known', 1])
  })

  test('a record that was refused before any attempt fails at once', async () => {
    const payment = await accepted()
    const refused = { status: 'failed', failure: 'record_refused', networkReason: null } as const
    assert.equal(await end(payment, null, refused), 'recorded')
    assert.deepEqual(await stateOf(payment), ['failed', 'record_refused', 'voided', null, null])
    assert.equal(await end(payment, null, refused), 'superseded')
    assert.equal(await prepare(payment), undefined)
  })

  test('whoever takes over gets the same reference and the next fence, and the one before can do no more', async () => {
    const payment = await accepted()
    const first = await prepare(payment)
    const second = await prepare(payment)
    assert.equal(second?.reference, first?.reference)
    assert.equal(second?.fence, 2)
    assert.equal(await markSent(payment, 1), 'superseded')
    assert.equal(await end(payment, 1, failed), 'superseded')
    assert.equal(await end(payment, null, failed), 'superseded')
    assert.equal(await markSent(payment, 2), 'marked')
    const third = await prepare(payment)
    assert.equal(third?.state, 'sent')
    assert.notEqual(third?.sentAtMs, null)
    assert.equal(await end(payment, 2, succeeded), 'superseded')
    assert.deepEqual(await stateOf(payment), ['processing', null, 'pending', 'sent', 3])
    assert.equal(await end(payment, 3, succeeded), 'recorded')
  })

  test('taking over is no sending: what counts is what left', async () => {
    const payment = await accepted()
    const again = (fence: number, sendings: number) =>
      markAttemptSentAgain(dispatcher, merchant.tenant, { payment, fence, sendings })
    for (let takeover = 1; takeover <= 9; takeover++) assert.equal((await prepare(payment))?.sendings, 0)
    assert.equal(await again(9, 0), 'superseded', 'nothing was sent yet')
    await markSent(payment, 9)
    const taken = await prepare(payment)
    assert.deepEqual([taken?.fence, taken?.sendings], [10, 1])
    assert.equal(await again(9, 1), 'superseded', 'another holds it')
    // Both decided on the second sending.
    assert.deepEqual([await again(10, 1), await again(10, 1)], ['marked', 'superseded'])
    const loaded = await loadPaymentForDispatch(dispatcher, merchant.tenant, payment)
    assert.deepEqual([loaded?.attempt?.fence, loaded?.attempt?.sendings], [10, 2])
    await assert.rejects(database.asAdmin('UPDATE ngome.attempts SET sendings = 1 WHERE payment = $1', [payment]), { code: 'NG001' })
  })

  test('what was never sent cannot succeed', async () => {
    const payment = await accepted()
    await prepare(payment)
    assert.equal(await end(payment, 1, succeeded), 'superseded')
    assert.deepEqual(await stateOf(payment), ['accepted', null, 'pending', 'prepared', 1])
  })

  test('of twenty dispatchers at once each gets its own fence, and one outcome is recorded', async () => {
    const payment = await accepted()
    const attempts = await Promise.all(Array.from({ length: 20 }, () => prepare(payment)))
    const fences = attempts.map((attempt) => attempt?.fence).toSorted((a = 0, b = 0) => a - b)
    assert.deepEqual(fences, Array.from({ length: 20 }, (_, n) => n + 1))
    assert.equal(new Set(attempts.map((attempt) => attempt?.reference)).size, 1)
    const marks = await Promise.all(attempts.map((attempt) => markSent(payment, attempt?.fence ?? 0)))
    assert.equal(marks.filter((mark) => mark === 'marked').length, 1)
    const outcomes = Array.from({ length: 10 }, (_, n) => n % 2 === 0 ? succeeded : failed)
    const ends = await Promise.all(outcomes.map((outcome) => end(payment, 20, outcome)))
    assert.equal(ends.filter((outcome) => outcome === 'recorded').length, 1)
    const events = await database.asAdmin(`SELECT count(*)::int AS n FROM ngome.events
      WHERE data->>'payment' = $1 AND type IN ('payment.succeeded', 'payment.failed')`, [payment])
    assert.deepEqual(events, [{ n: 1 }])
  })
})

describe('a row that another holds for too long', () => {
  const changes: readonly (readonly [string, (payment: PaymentId) => Promise<unknown>])[] = [
    ['a first sending', (payment) => markNewAttemptSent(dispatcher, merchant.tenant, payment, { id: newId('attempt', from), reference: randomUUID(), factsProof, atMs: from.clock.nowMs() },
      emit(dispatcherEvents, 'payment.processing', merchant.tenant, { payment, status: 'processing' }), prove)],
    ['an end', (payment) => end(payment, null, failed)],
  ]
  for (const [what, change] of changes) {
    test(`makes ${what} wait for another time, and changes nothing`, async () => {
      const payment = await accepted()
      await inTenant(gateway, merchant.tenant, async (tx) => {
        await tx.selectFrom('payments').select('id').where('id', '=', payment).forUpdate().execute()
        await assert.rejects(change(payment), (error) => error instanceof Fault && error.code === 'store/unavailable')
      })
      assert.deepEqual(await stateOf(payment), ['accepted', null, 'pending', null, null])
    })
  }
})

describe('many who take over, send and record at once', () => {
  test('never wait for each other in a circle', async () => {
    const payment = await accepted()
    const wide = database.open('ngome_dispatcher', { poolMax: 24 })
    const outcomes = await Promise.allSettled(Array.from({ length: 72 }, (_, n) => {
      const fence = Math.floor(n / 3)
      if (n % 3 === 0) return prepare(payment, wide)
      return n % 3 === 1 ? markSent(payment, fence, wide) : end(payment, fence, failed, wide)
    }))
    assert.deepEqual(outcomes.filter(({ status }) => status === 'rejected'), [])
  })
})

describe('webhook deliveries', () => {
  async function endedWithDelivery(): Promise<WebhookDeliveryId> {
    const payment = await accepted()
    await prepare(payment)
    await markSent(payment, 1)
    await end(payment, 1, succeeded)
    const [row] = await database.asAdmin('SELECT id FROM ngome.webhook_deliveries WHERE payment = $1', [payment])
    return row?.['id'] as WebhookDeliveryId
  }

  test('an outcome makes one for each endpoint, with a job', async () => {
    const endpoint = await addEndpoint()
    const id = await endedWithDelivery()
    const delivery = await loadDelivery(dispatcher, merchant.tenant, id)
    assert.equal(delivery?.endpoint?.id, endpoint)
    assert.deepEqual(delivery?.endpoint?.secrets.map(({ version, dataKey, endsAtMs }) => [version, dataKey.id, endsAtMs]),
      [[1, merchant.dataKey, null]])
    assert.deepEqual([delivery?.told?.event.type, delivery?.told?.event.sequence], ['payment.succeeded', 3])
    assert.equal(delivery?.tries, 0)
    assert.deepEqual(delivery?.told?.proof, Buffer.from(eventProof))
    const told = proven.get(delivery?.told?.event.id ?? '')
    assert.deepEqual(told, { event: delivery?.told?.event, facts: Buffer.from(factsProof) })
    const jobs = await database.asAdmin(`SELECT count(*)::int AS n FROM pgboss.job
      WHERE name = 'webhook-deliver' AND data->>'delivery' = $1`, [id])
    assert.deepEqual(jobs, [{ n: 1 }])
    await removeEndpoint(endpoint)
  })

  test('is tried again later, then settled once', async () => {
    const endpoint = await addEndpoint()
    const id = await endedWithDelivery()
    const record = async (result: DeliveryResult) =>
      recordDeliveryResult(dispatcher, merchant.tenant, await seen(id), result, from.clock.nowMs(), rules)
    assert.equal(await record({ kind: 'retry', attempt: { status: 500, reason: 'refused', ms: 7 }, afterMs: 60_000 }), 'recorded')
    const waiting = await database.asAdmin(`SELECT count(*)::int AS n FROM pgboss.job
      WHERE data->>'delivery' = $1 AND start_after > now() + interval '50 s'`, [id])
    assert.deepEqual(waiting, [{ n: 1 }])
    const delivery = await loadDelivery(dispatcher, merchant.tenant, id)
    assert.ok(delivery)
    const subject = { delivery: id, payment: delivery.payment }
    const event = emit(dispatcherEvents, 'webhook.delivered', merchant.tenant, subject)
    assert.equal(await record({ kind: 'delivered', attempt: { status: 204, reason: 'accepted', ms: 3 }, event }), 'recorded')
    assert.equal(await record({ kind: 'retry', attempt: { status: null, reason: 'timed_out', ms: null }, afterMs: 1 }), 'superseded')
    const settled = await loadDelivery(dispatcher, merchant.tenant, id)
    assert.deepEqual([settled?.state, settled?.tries], ['delivered', 2])
    const [row, ...others] = await listWebhookDeliveries(gateway, merchant.tenant, endpoint, { after: null, limit: 10, state: null })
    assert.deepEqual([row?.id, row?.state, row?.reason, row?.nextTryAtMs, others.length], [id, 'delivered', 'accepted', null, 0])
    assert.deepEqual(row?.attempts.map(({ status, reason, ms }) => [status, reason, ms]), [[500, 'refused', 7], [204, 'accepted', 3]])
    await removeEndpoint(endpoint)
  })

  test('is planned once, by whichever of two jobs of one try comes first; that it arrived counts for both', async () => {
    const endpoint = await addEndpoint()
    const id = await endedWithDelivery()
    const jobs = async (): Promise<unknown> => (await database.asAdmin('SELECT count(*)::int AS n FROM pgboss.job WHERE data->>\'delivery\' = $1', [id]))[0]?.['n']
    const before = await seen(id)
    const record = (as: typeof before, result: DeliveryResult) => recordDeliveryResult(dispatcher, merchant.tenant, as, result, from.clock.nowMs(), rules)
    const retry: DeliveryResult = { kind: 'retry', attempt: { status: 500, reason: 'refused', ms: 7 }, afterMs: 60_000 }
    assert.deepEqual([await record(before, retry), await record(before, retry), await jobs()], ['recorded', 'superseded', 2])
    const held: DeliveryResult = {
      kind: 'held', endpoint, because: 'terms_unproven', afterMs: 60_000,
      event: emit(dispatcherEvents, 'webhook_endpoint.held', merchant.tenant, { endpoint, reason: 'terms_unproven' }),
    }
    const again = await seen(id)
    assert.deepEqual([await record(before, held), await record(again, held), await record(again, held), await jobs()], ['superseded', 'recorded', 'superseded', 3])
    const event = emit(dispatcherEvents, 'webhook.given_up', merchant.tenant, { delivery: id, payment: null })
    assert.equal(await record(again, { kind: 'given_up', attempt: null, reason: 'terms_unproven', event }), 'superseded')
    const arrived = emit(dispatcherEvents, 'webhook.delivered', merchant.tenant, { delivery: id, payment: null })
    assert.equal(await record(again, { kind: 'delivered', attempt: { status: 200, reason: 'accepted', ms: 3 }, event: arrived }), 'recorded')
    await removeEndpoint(endpoint)
  })

  test('is held without being a try, told once, and released by the next that goes out', async () => {
    const endpoint = await addEndpoint()
    const ids = [await endedWithDelivery(), await endedWithDelivery()] as const
    const record = async (id: WebhookDeliveryId, result: DeliveryResult) =>
      recordDeliveryResult(dispatcher, merchant.tenant, await seen(id), result, from.clock.nowMs(), rules)
    const held = (because: 'encryption_key_missing' | 'terms_unproven'): DeliveryResult => ({
      kind: 'held', endpoint, because, afterMs: 60_000,
      event: emit(dispatcherEvents, 'webhook_endpoint.held', merchant.tenant, { endpoint, reason: because }),
    })
    const told = (): Promise<unknown> => database.asAdmin(
      'SELECT data->>\'reason\' AS reason FROM ngome.events WHERE type = \'webhook_endpoint.held\' AND data->>\'endpoint\' = $1 ORDER BY id', [endpoint])
    const shown = async () => (await findWebhookEndpoint(gateway, merchant.tenant, endpoint))?.held?.because
    for (const id of [...ids, ...ids]) assert.equal(await record(id, held('encryption_key_missing')), 'recorded')
    assert.deepEqual([await told(), await shown()], [[{ reason: 'encryption_key_missing' }], 'encryption_key_missing'])
    const waiting = await loadDelivery(dispatcher, merchant.tenant, ids[0])
    assert.deepEqual([waiting?.tries, waiting?.state, waiting?.endpoint?.isHeld], [0, 'pending', true])
    const [row] = await listWebhookDeliveries(gateway, merchant.tenant, endpoint, { after: null, limit: 10, state: 'pending' })
    assert.deepEqual([row?.attempts, row?.reason], [[], 'encryption_key_missing'])
    assert.ok((row?.nextTryAtMs ?? 0) > from.clock.nowMs() + 50_000)
    const jobs = await database.asAdmin(`SELECT count(*)::int AS n FROM pgboss.job
      WHERE data->>'delivery' = $1 AND start_after > now() + interval '50 s'`, [ids[0]])
    assert.deepEqual(jobs, [{ n: 2 }])
    await record(ids[0], held('terms_unproven'))
    assert.deepEqual(await told(), [{ reason: 'encryption_key_missing' }, { reason: 'terms_unproven' }])
    await record(ids[0], { kind: 'retry', attempt: { status: 500, reason: 'refused', ms: 7 }, afterMs: 1, released: endpoint })
    assert.equal(await shown(), undefined)
    const event = emit(dispatcherEvents, 'webhook.delivered', merchant.tenant, { delivery: ids[0], payment: newId('payment', from) })
    await record(ids[0], { kind: 'delivered', attempt: { status: 200, reason: 'accepted', ms: 3 }, event })
    assert.equal(await record(ids[0], held('terms_unproven')), 'superseded')
    assert.equal(await shown(), undefined)
    await removeEndpoint(endpoint)
  })

  test('are listed by their own tenant only, newest first and a page at a time, with the last thirty-two attempts of each', async () => {
    const endpoint = await addEndpoint()
    const ids = [await endedWithDelivery(), await endedWithDelivery(), await endedWithDelivery()]
    const page = (tenant: Tenant, after: WebhookDeliveryId | null, limit = 2) => listWebhookDeliveries(gateway, tenant, endpoint, { after, limit, state: null })
    const [newest, middle] = await page(merchant.tenant, null)
    const [oldest, ...more] = await page(merchant.tenant, middle?.id ?? null)
    assert.deepEqual([newest?.id, middle?.id, oldest?.id, more.length], [...ids.toReversed(), 0])
    for (const tenant of [(await addTestMerchant(database)).tenant, { ...merchant.tenant, world: 'live' } as const]) assert.deepEqual(await page(tenant, null), [])
    // A filter that was left out would still show nobody else's: the database holds rows against the tenant of the session.
    const all = await inTenant(gateway, (await addTestMerchant(database)).tenant, (tx) => tx.selectFrom('webhook_deliveries').select('id').execute())
    assert.deepEqual(all, [])
    for (let at = 0; at < 34; at++) {
      await recordDeliveryResult(dispatcher, merchant.tenant, await seen(oldest?.id ?? assert.fail()), { kind: 'retry', attempt: { status: null, reason: 'timed_out', ms: at }, afterMs: 1 }, from.clock.nowMs(), rules)
    }
    const [row] = (await page(merchant.tenant, null, 10)).slice(-1)
    assert.deepEqual(row?.attempts.map(({ ms }) => ms), Array.from({ length: 32 }, (_, at) => at + 2))
    await removeEndpoint(endpoint)
  })

  test('of an endpoint that was deleted has nowhere to go', async () => {
    const endpoint = await addEndpoint()
    const id = await endedWithDelivery()
    assert.equal(await removeEndpoint(endpoint), 'deleted')
    assert.equal(await removeEndpoint(endpoint), 'unknown')
    assert.equal((await loadDelivery(dispatcher, merchant.tenant, id))?.endpoint, null)
  })

  test('go to ten endpoints at most, however many are made at once', async () => {
    const outcomes = await Promise.allSettled(Array.from({ length: 14 }, () => addEndpoint()))
    const made = outcomes.filter((outcome) => outcome.status === 'fulfilled')
    const refused = outcomes.filter((outcome) => outcome.status === 'rejected')
    assert.equal(made.length, 10)
    assert.ok(refused.every(({ reason }) => (reason as { code?: string }).code === 'webhooks/too_many'))
    for (const { value } of made) await removeEndpoint(value)
  })
})

describe('what stays behind is found', () => {
  test('a payment that is open for too long', async () => {
    const payment = await accepted()
    const old = await findOpenPayments(dispatcher, { olderThanMs: 60_000, limit: 100 })
    assert.equal(old.find((found) => found.payment === payment), undefined)
    const open = await findOpenPayments(dispatcher, { olderThanMs: 0, limit: 100 })
    assert.deepEqual(open.find((found) => found.payment === payment), { payment, tenant: merchant.tenant })
  })
})

describe('the ledger', () => {
  test('agrees with the payments after all of the above', async () => {
    const report = await checkLedger(database.open('ngome_auditor'))
    assert.ok(report.payments > 8)
    assert.deepEqual(report.wrong, [])
    assert.deepEqual(report.misheld, [])
  })

  test('its check sees a transfer that was bent', async () => {
    const payment = await accepted()
    await database.asAdmin(`ALTER TABLE ngome.transfers DISABLE TRIGGER ALL`)
    await database.asAdmin(`UPDATE ngome.transfers SET amount_minor = 499 WHERE payment = $1`, [payment])
    const report = await checkLedger(database.open('ngome_auditor'))
    assert.deepEqual(report.wrong, [payment])
    await database.asAdmin(`UPDATE ngome.transfers SET amount_minor = 500, phase = 'posted' WHERE payment = $1`, [payment])
    assert.deepEqual((await checkLedger(database.open('ngome_auditor'))).wrong, [payment])
    await database.asAdmin(`ALTER TABLE ngome.transfers ENABLE TRIGGER ALL`)
  })
})
