import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { after, before, describe, test } from 'node:test'
import { emit, movementNouns, objectEventTypes, paymentDirections, paymentStatuses } from '@ngome/contracts'
import { newId, Secret, systemClock, systemRandom, type PaymentId, type Tenant, type WebhookEndpointId } from '@ngome/kernel'
import { eventIdOf, firstEvent, isProvenEvent, proveEvent, proveNextEvent, type ObjectEvent } from '@ngome/payments'
import { addTestMerchant, testAcceptance, testDatabase, type TestDatabase, type TestMerchant } from '@ngome/testkit'
import fc from 'fast-check'
import type { Database } from '../database.ts'
import { loadDelivery } from '../dispatch/load-delivery.ts'
import { recordDeliveryResult } from '../dispatch/record-delivery-result.ts'
import { waitForTurn } from '../dispatch/wait-for-turn.ts'
import { enqueue } from '../jobs/enqueue.ts'
import { acceptPayment } from '../payments/accept-payment.ts'
import { inTenant } from '../transaction.ts'
import { insertWebhookEndpoint } from '../webhooks/insert-webhook-endpoint.ts'
import { findObjectEvent, listObjectEvents, type EventPosition, type ObjectEventRow } from './list-object-events.ts'
import { proveLastEvent } from './object-events.ts'

const from = { clock: systemClock, random: systemRandom }
const secret = new Secret(systemRandom.bytes(32))

let database: TestDatabase
let gateway: Database
let dispatcher: Database
let merchant: TestMerchant
before(async () => {
  database = await testDatabase()
  gateway = database.open('ngome_gateway')
  dispatcher = database.open('ngome_dispatcher', { poolMax: 16 })
  merchant = await addTestMerchant(database)
})
after(() => database.close())

async function accepted(of = merchant): Promise<PaymentId> {
  const acceptance = testAcceptance(of)
  const { payment } = acceptance
  const movement = { ...payment, ...payment.money, tenant: of.tenant }
  await acceptPayment(gateway, { ...acceptance, eventProof: proveEvent(secret, firstEvent(movement)) })
  return payment.id
}

async function addEndpoint(of = merchant, eventTypes: Parameters<typeof insertWebhookEndpoint>[1]['endpoint']['eventTypes'] = null): Promise<WebhookEndpointId> {
  const id = newId('webhookEndpoint', from)
  await insertWebhookEndpoint(gateway, {
    tenant: of.tenant,
    endpoint: {
      id, url: 'https://shop.example/hooks', encryption: 'none', eventTypes, termsProof: systemRandom.bytes(32), dataKey: of.dataKey,
      sealedSecret: systemRandom.bytes(200), createdAtMs: from.clock.nowMs(),
    },
    event: emit({ ...from, process: 'gateway' }, 'webhook_endpoint.created', of.tenant, { endpoint: id }),
    idempotency: testAcceptance(of).idempotency,
  })
  return id
}

const setStatus = (payment: PaymentId, status: 'processing' | 'failed', { tenant } = merchant) => inTenant(dispatcher, tenant, (tx) => tx.updateTable('payments')
  .set({ status, failure: status === 'failed' ? 'payer_refused' : null, updated_at: new Date() }).where('id', '=', payment).execute())

const all = { limit: 100, type: null, object: null } as const
async function readOn(after: EventPosition | null, tenant: Tenant = merchant.tenant): Promise<readonly ObjectEventRow[]> {
  const seen: ObjectEventRow[] = []
  for (let position = after; ;) {
    const page = await listObjectEvents(dispatcher, tenant, { ...all, after: position })
    seen.push(...page)
    position = page.at(-1)?.position ?? position
    if (page.length < all.limit) return seen
  }
}
const objectOf = (event: ObjectEvent): string => (event.kind === 'movement' ? event.movement.id : event.kind === 'endpoint' ? event.endpoint : event.settlement)
const told = ({ event }: ObjectEventRow): string => `${event.type} ${event.sequence}`

const untried = { tries: 0, nextTryAtMs: null } as const

describe('an event of an object', () => {
  test('comes of each change and of nothing else, numbered without a gap, whoever made the change', async () => {
    const payment = await accepted()
    await setStatus(payment, 'processing')
    await inTenant(dispatcher, merchant.tenant, (tx) => tx.updateTable('payments').set({ updated_at: new Date() }).where('id', '=', payment).execute())
      .catch(() => undefined)
    await setStatus(payment, 'failed')
    const rows = await listObjectEvents(gateway, merchant.tenant, { ...all, object: payment, after: null })
    assert.deepEqual(rows.map(told), ['payment.accepted 1', 'payment.processing 2', 'payment.failed 3'])
    const last = rows[2]?.event
    assert(last?.kind === 'movement')
    assert.deepEqual(last.facts, { status: 'failed', failure: 'payer_refused' })
    assert.deepEqual(await findObjectEvent(gateway, merchant.tenant, last.id), last)
    assert.deepEqual((await listObjectEvents(gateway, merchant.tenant, { ...all, object: payment, type: 'payment.processing', after: null })).map(told), ['payment.processing 2'])
  })

  test('is of its own tenant and world alone', async () => {
    const payment = await accepted()
    const [row] = await listObjectEvents(gateway, merchant.tenant, { ...all, object: payment, after: null })
    assert(row !== undefined)
    for (const tenant of [(await addTestMerchant(database)).tenant, { ...merchant.tenant, world: 'live' } as const]) {
      assert.deepEqual(await listObjectEvents(gateway, tenant, { ...all, object: payment, after: null }), [])
      assert.equal(await findObjectEvent(gateway, tenant, row.event.id), undefined)
    }
  })

  test('has the id that code and database compute alike, at any time', async () => {
    await fc.assert(fc.asyncProperty(fc.integer({ min: 0, max: 2 ** 42 }), fc.integer({ min: 1, max: 2 ** 30 }), fc.stringMatching(/^[a-z0-9_]{1,40}$/), async (atMs, sequence, object) => {
      const [row] = await database.asAdmin(`SELECT ngome.id_of('evt', $1::timestamptz, $2) AS id`,
        [new Date(atMs), `${merchant.tenant.merchant}:test:${object}:${sequence}`])
      assert.equal(row?.['id'], eventIdOf({ ...merchant.tenant, world: 'test' }, object, sequence, atMs))
    }), { numRuns: 40 })
  })

  test('has a name for every direction and status: the table of the database is that of the code', async () => {
    const rows = await database.asAdmin('SELECT type, direction, status FROM ngome.event_types')
    assert.deepEqual(rows.map(({ type }) => String(type)).toSorted((a, b) => a < b ? -1 : 1), [...objectEventTypes].toSorted((a, b) => a < b ? -1 : 1))
    for (const direction of paymentDirections) {
      for (const status of paymentStatuses) {
        if (`${direction} ${status}` === 'collection awaiting_approval') continue
        assert(rows.some((row) => row['direction'] === direction && row['status'] === status && row['type'] === `${movementNouns[direction]}.${status}`), `${direction} ${status}`)
      }
    }
  })

  test('is written by no process, and stays: only its proof is added, once', async () => {
    const payment = await accepted()
    const columns = 'merchant, world, object, sequence, id, type, at, facts, position'
    for (const db of [gateway, dispatcher]) {
      for (const sql of [
        `INSERT INTO ngome.object_events (${columns}) SELECT ${columns} FROM ngome.object_events`, 'UPDATE ngome.object_events SET sequence = 9',
        `UPDATE ngome.object_events SET facts = '{}'`, 'DELETE FROM ngome.object_events',
        `SELECT ngome.tell('m', 'test', 'o', 't', now(), '{}', true)`, 'SELECT ngome.enqueue_deliveries(\'m\', \'test\', \'{}\')',
      ]) await assert.rejects(db.pool.query(sql), { code: '42501' }, sql)
    }
    await assert.rejects(inTenant(gateway, merchant.tenant, (tx) => tx.updateTable('object_events').set({ proof: systemRandom.bytes(32) })
      .where('object', '=', payment).execute()), { code: 'NG003' })
    await assert.rejects(database.asAdmin('UPDATE ngome.object_events SET sequence = sequence + 1 WHERE object = $1', [payment]), { code: 'NG003' })
    await assert.rejects(database.asAdmin('DELETE FROM ngome.object_events WHERE object = $1', [payment]), { code: 'NG003' })
  })

  test('is proven by the one before it where that is proven, and not where its object was changed', async () => {
    const change = async (payment: PaymentId): Promise<boolean> => {
      let isProven = false
      await inTenant(dispatcher, merchant.tenant, async (tx) => {
        await tx.updateTable('payments').set({ status: 'processing', updated_at: new Date() }).where('id', '=', payment).execute()
        await proveLastEvent(tx, merchant.tenant, payment, (event, previous) => {
          const proof = proveNextEvent(secret, event, previous)
          isProven = isProvenEvent(secret, event, proof)
          return proof
        })
        await assert.rejects(proveLastEvent(tx, merchant.tenant, newId('payment', from), () => null), TypeError)
      })
      return isProven
    }
    assert.equal(await change(await accepted()), true)
    const bent = await accepted()
    await database.asAdmin(`SET session_replication_role = replica; UPDATE ngome.payments SET amount_minor = 5000000 WHERE id = '${bent}'`)
    assert.equal(await change(bent), false)
    await database.asAdmin('SET session_replication_role = origin')
  })
})

describe('who reads on', () => {
  test('misses nothing of a transaction that commits late, and sees an object in its order where a later transaction was faster', async () => {
    const [payment, other] = [await accepted(), await accepted()]
    let position = (await readOn(null)).at(-1)?.position ?? null
    const seen: string[] = []
    const read = async (): Promise<void> => {
      const rows = await readOn(position)
      seen.push(...rows.map(({ event }) => `${objectOf(event) === payment ? 'one' : 'other'} ${event.sequence}`))
      position = rows.at(-1)?.position ?? position
    }
    await inTenant(dispatcher, merchant.tenant, async (tx) => {
      // The earlier transaction by its number, the later one at the payment.
      await tx.updateTable('payments').set({ status: 'processing', updated_at: new Date() }).where('id', '=', other).execute()
      await setStatus(payment, 'processing')
      await read()
      assert.deepEqual(seen, [])
      await tx.updateTable('payments').set({ status: 'failed', failure: 'payer_refused', updated_at: new Date() }).where('id', '=', payment).execute()
    })
    await read()
    assert.deepEqual(seen.filter((one) => one.startsWith('one')), ['one 2', 'one 3'])
    assert.deepEqual(seen.toSorted((a, b) => a < b ? -1 : 1), ['one 2', 'one 3', 'other 2'])
  })

  test('sees each event once, and those of an object in its order, while many change the same things in any interleaving', async () => {
    const own = await addTestMerchant(database)
    const { tenant } = own
    const seed = Buffer.from(systemRandom.bytes(4)).readUInt32BE()
    let state = seed
    const random = (below: number): number => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
      return Math.floor(state / 2 ** 32 * below)
    }
    const endpoints = [await addEndpoint(own), await addEndpoint(own), await addEndpoint(own)]
    const payments = await Promise.all(Array.from({ length: 8 }, () => accepted(own)))
    const wide = database.open('ngome_gateway', { poolMax: 12 })
    const step = (): Promise<unknown> => inTenant(wide, tenant, async (tx) => {
      // Some take their number long before they change anything, some change several things, some think better of it.
      if (random(2) === 0) await tx.selectNoFrom((s) => s.fn('pg_current_xact_id').as('id')).execute()
      await sleep(random(6))
      for (const endpoint of endpoints.filter(() => random(3) === 0)) {
        const isDisabled = random(2) === 0
        await tx.updateTable('webhook_endpoints')
          .set(isDisabled ? { disabled_at: new Date(), disabled_because: 'gone' } : { disabled_at: null, disabled_because: null, enabled_at: new Date() })
          .where('id', '=', endpoint).execute()
        await sleep(random(4))
      }
      if (random(5) === 0) throw new RangeError('thinks better of it')
    }).catch((error: unknown) => {
      if (!(error instanceof RangeError)) throw error
    })
    let isWriting = true
    const writing = Promise.all([
      ...Array.from({ length: 10 }, async () => {
        for (let steps = 0; steps < 40; steps++) await step()
      }),
      ...payments.map(async (payment) => {
        await setStatus(payment, 'processing', own)
        await sleep(random(50))
        await setStatus(payment, 'failed', own)
      }),
    ]).finally(() => {
      isWriting = false
    })
    const seen: ObjectEventRow[] = []
    for (let isLast = false; !isLast;) {
      isLast = !isWriting
      seen.push(...await readOn(seen.at(-1)?.position ?? null, tenant))
      await sleep(random(5))
    }
    await writing
    // The transactions of other tests may be open still.
    const [{ n } = { n: 0 }] = await database.asAdmin('SELECT count(*)::int AS n FROM ngome.object_events WHERE merchant = $1', [tenant.merchant]) as { n: number }[]
    for (let tries = 0; seen.length < n && tries < 100; tries++) {
      await sleep(20)
      seen.push(...await readOn(seen.at(-1)?.position ?? null, tenant))
    }
    assert.equal(new Set(seen.map(({ event }) => event.id)).size, seen.length, `seed ${seed}`)
    assert(seen.length === n && n > 60, `seed ${seed}: ${seen.length} of ${n}`)
    const last = new Map<string, number>()
    for (const { event } of seen) {
      assert.equal(event.sequence, (last.get(objectOf(event)) ?? 0) + 1, `seed ${seed}: ${objectOf(event)}`)
      last.set(objectOf(event), event.sequence)
    }
    await wide.close()
  })
})

describe('what an endpoint is told', () => {
  const deliveriesOf = (endpoint: WebhookEndpointId) => database.asAdmin(
    'SELECT id, event_type, sequence, state, waits FROM ngome.webhook_deliveries WHERE endpoint = $1 ORDER BY object, sequence', [endpoint]) as
    Promise<{ id: `whd_${string}` & { __id: 'webhookDelivery' }; event_type: string; sequence: number; state: string; waits: boolean }[]>
  const jobsOf = async (delivery: string): Promise<number> => (await database.asAdmin(
    'SELECT 1 FROM pgboss.job WHERE data->>\'delivery\' = $1', [delivery])).length
  const rules = { warnAfterMs: 1_000, disableAfterMs: 10_000, disableAfterTries: 3, prove: (event: ObjectEvent) => proveEvent(secret, event) }

  test('is how things ended, or what it chose; a disabled one is told nothing', async () => {
    const own = await addTestMerchant(database)
    const [usual, choosing, disabled] = [
      await addEndpoint(own), await addEndpoint(own, ['payment.accepted', 'payment.processing', 'webhook_endpoint.disabled']), await addEndpoint(own),
    ]
    await inTenant(gateway, own.tenant, (tx) => tx.updateTable('webhook_endpoints').set({ disabled_at: new Date(), disabled_because: 'gone' })
      .where('id', '=', disabled).execute())
    const payment = await accepted(own)
    await setStatus(payment, 'processing', own)
    await setStatus(payment, 'failed', own)
    assert.deepEqual((await deliveriesOf(usual)).map((row) => row.event_type), ['payment.failed'])
    assert.deepEqual((await deliveriesOf(choosing)).map((row) => row.event_type), ['payment.accepted', 'payment.processing', 'webhook_endpoint.disabled'])
    assert.deepEqual(await deliveriesOf(disabled), [])
  })

  test('is a job as code would write it, with a share of its own', async () => {
    const own = await addTestMerchant(database)
    const endpoint = await addEndpoint(own, ['payment.accepted'])
    await accepted(own)
    const [delivery] = await deliveriesOf(endpoint)
    assert(delivery !== undefined)
    await inTenant(dispatcher, own.tenant, (tx) => enqueue(tx, 'webhook-deliver', { ...own.tenant, delivery: delivery.id, endpoint }))
    const jobs = await database.asAdmin(`SELECT to_jsonb(j) - 'id' - 'start_after' - 'keep_until' - 'created_on' - 'createdon' AS job, keep_until - start_after AS kept
      FROM pgboss.job j WHERE data->>'delivery' = $1`, [delivery.id])
    assert.equal(jobs.length, 2)
    assert.deepEqual(jobs[0], jobs[1])
  })

  test('comes in the order of its object: what is later waits, and gets its turn when what is before it is settled', async () => {
    const own = await addTestMerchant(database)
    const endpoint = await addEndpoint(own, ['payment.accepted', 'payment.processing', 'payment.failed'])
    const payment = await accepted(own)
    await setStatus(payment, 'processing', own)
    await setStatus(payment, 'failed', own)
    const [one, two, three] = await deliveriesOf(endpoint)
    assert(one !== undefined && two !== undefined && three !== undefined)
    const turn = (id: typeof one.id) => waitForTurn(dispatcher, own.tenant, id)
    assert.deepEqual([await turn(three.id), await turn(two.id), await turn(one.id)], ['later', 'later', 'now'])
    const settle = (id: typeof one.id, status: number) => recordDeliveryResult(dispatcher, own.tenant, { id, ...untried }, {
      kind: 'delivered', attempt: { status, reason: 'accepted', ms: 1 },
      event: emit({ ...from, process: 'dispatcher' }, 'webhook.delivered', own.tenant, { delivery: id, payment }),
    }, from.clock.nowMs(), { ...rules, event: () => assert.fail('nobody is told') })
    assert.deepEqual([await jobsOf(two.id), await jobsOf(three.id)], [1, 1])
    await settle(one.id, 200)
    assert.deepEqual([await jobsOf(two.id), await jobsOf(three.id)], [2, 1], 'the next, and it alone')
    assert.deepEqual([await turn(three.id), await turn(two.id)], ['later', 'now'])
    await settle(two.id, 200)
    assert.deepEqual([await jobsOf(three.id), await turn(three.id)], [2, 'now'])
  })

  test('waits for nobody in vain: whoever looks while the one before is settled either sees that or is called', async () => {
    const own = await addTestMerchant(database)
    const endpoint = await addEndpoint(own, ['payment.accepted', 'payment.processing'])
    await Promise.all(Array.from({ length: 24 }, async () => {
      const payment = await accepted(own)
      await setStatus(payment, 'processing', own)
      const rows = await database.asAdmin('SELECT id FROM ngome.webhook_deliveries WHERE object = $1 AND endpoint = $2 ORDER BY sequence', [payment, endpoint])
      const [one, two] = rows.map(({ id }) => id as `whd_${string}` & { __id: 'webhookDelivery' })
      assert(one !== undefined && two !== undefined)
      const event = emit({ ...from, process: 'dispatcher' }, 'webhook.delivered', own.tenant, { delivery: one, payment })
      const [turn] = await Promise.all([
        waitForTurn(dispatcher, own.tenant, two),
        recordDeliveryResult(dispatcher, own.tenant, { id: one, ...untried }, { kind: 'delivered', attempt: { status: 200, reason: 'accepted', ms: 1 }, event },
          from.clock.nowMs(), { ...rules, event: () => assert.fail('nobody is told') }),
      ])
      assert.equal(turn === 'later', await jobsOf(two) === 2)
    }))
  })

  test('ends where it never answers: a warning first, then it is disabled, each told once, proven and listed', async () => {
    const own = await addTestMerchant(database)
    const [endpoint, watcher] = [await addEndpoint(own), await addEndpoint(own, ['webhook_endpoint.failing', 'webhook_endpoint.disabled', 'webhook_endpoint.enabled'])]
    const events: string[] = []
    let nowMs = from.clock.nowMs()
    const fail = async (afterMs: number, reason: 'refused' | 'secret_missing' | 'gone' = 'refused'): Promise<void> => {
      nowMs += afterMs
      const payment = await accepted(own)
      await setStatus(payment, 'processing', own)
      await setStatus(payment, 'failed', own)
      const [row] = await database.asAdmin('SELECT id FROM ngome.webhook_deliveries WHERE object = $1 AND endpoint = $2', [payment, endpoint])
      await recordDeliveryResult(dispatcher, own.tenant, { id: row?.['id'] as never, ...untried }, { kind: 'retry', attempt: { status: 500, reason, ms: 1 }, afterMs: 1e9 }, nowMs, {
        ...rules, event: (kind) => {
          events.push(kind)
          return emit({ ...from, process: 'dispatcher' }, `webhook_endpoint.${kind}`, own.tenant, { endpoint })
        },
      })
    }
    await fail(0)
    await fail(20_000, 'secret_missing')
    assert.deepEqual(events, [], 'what is ours to repair is no failure of the endpoint\'s')
    await fail(0)
    assert.deepEqual(events, ['failing'], 'long enough, and not often enough')
    await fail(0)
    assert.deepEqual(events, ['failing', 'disabled'])
    const payment = await accepted(own)
    await setStatus(payment, 'processing', own)
    await setStatus(payment, 'failed', own)
    assert(!(await deliveriesOf(endpoint)).some((row) => row.sequence !== 3), 'and nothing more is made for it')
    const rows = (await readOn(null, own.tenant)).filter(({ event }) => event.kind === 'endpoint')
    assert.deepEqual(rows.map(told), ['webhook_endpoint.failing 1', 'webhook_endpoint.disabled 2'])
    const facts = rows.map(({ event }) => event.kind === 'endpoint' ? event.facts : null)
    assert.deepEqual(facts.map((one) => [one?.disabled_because, (one?.failing_since ?? '') <= new Date(nowMs).toISOString()]), [[null, true], ['failing', true]])
    for (const { id } of await deliveriesOf(watcher)) {
      const delivery = await loadDelivery(dispatcher, own.tenant, id)
      assert(delivery?.told !== null && delivery !== undefined && isProvenEvent(secret, delivery.told.event, delivery.told.proof))
    }
    assert.equal((await deliveriesOf(watcher)).length, 2)
  })

  test('ends at once where it says that it is gone', async () => {
    const own = await addTestMerchant(database)
    const endpoint = await addEndpoint(own, ['payment.accepted'])
    await accepted(own)
    const [row] = await deliveriesOf(endpoint)
    assert(row !== undefined)
    await recordDeliveryResult(dispatcher, own.tenant, { id: row.id, ...untried }, {
      kind: 'given_up', attempt: { status: 410, reason: 'gone', ms: 1 }, reason: 'gone',
      event: emit({ ...from, process: 'dispatcher' }, 'webhook.given_up', own.tenant, { delivery: row.id, payment: null }),
    }, from.clock.nowMs(), { ...rules, event: (kind) => emit({ ...from, process: 'dispatcher' }, `webhook_endpoint.${kind}`, own.tenant, { endpoint }) })
    const [shown] = await database.asAdmin('SELECT disabled_because FROM ngome.webhook_endpoints WHERE id = $1', [endpoint])
    assert.deepEqual(shown, { disabled_because: 'gone' })
  })
})
