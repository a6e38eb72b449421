import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  createdWebhookEndpointSchema, objectEventPageSchema, objectEventSchema, webhookDeliveryPageSchema, webhookDeliverySchema, webhookEndpointPageSchema,
  webhookReplaySchema,
} from '@ngome/contracts'
import { newId, systemClock, systemRandom, type WebhookDeliveryId, type WebhookEndpointId } from '@ngome/kernel'
import { eventBody, isProvenEvent } from '@ngome/payments'
import { loadDelivery, replayMax, replaysMax, type Database } from '@ngome/store'
import { problemIn } from '../testing/problem-in.ts'
import { TestGateway, type TestMerchant } from '../testing/test-gateway.ts'

let running: TestGateway
let dispatcher: Database
before(async () => {
  running = await TestGateway.start()
  dispatcher = running.database.open('ngome_dispatcher')
})
after(() => running.close())

let serial = 0
const post = (as: TestMerchant, path: string, body?: object, idempotencyKey = `events-${++serial}`) =>
  as.client.call({ method: 'POST', path, idempotencyKey, ...(body === undefined ? {} : { body }) })
const pay = async (as: TestMerchant): Promise<string> => {
  const paid = await post(as, '/v1/payments', { amount: '5.00', currency: 'EUR', network: 'mtn-sandbox', payer: { phone: '+46733123499' }, reference: 'r' })
  assert.equal(paid.status, 201, paid.text)
  return (JSON.parse(paid.text) as { id: string }).id
}
const end = async (payment: string): Promise<void> => {
  for (const [status, failure] of [['processing', null], ['failed', 'payer_refused']]) {
    await running.database.asAdmin('UPDATE ngome.payments SET status = $2, failure = $3, updated_at = date_trunc(\'milliseconds\', now()) WHERE id = $1', [payment, status, failure])
  }
}
const addEndpoint = async (as: TestMerchant, body: object = {}) => {
  const made = await post(as, '/v1/webhook_endpoints', { url: 'https://shop.example.com/hooks', ...body })
  assert.equal(made.status, 201, made.text)
  return createdWebhookEndpointSchema.parse(JSON.parse(made.text))
}
const page = async (as: TestMerchant, query = '') => {
  const answer = await as.client.call({ path: `/v1/events${query}` })
  assert.equal(answer.status, 200, answer.text)
  return objectEventPageSchema.parse(JSON.parse(answer.text))
}
const expectProblem = (answer: Awaited<ReturnType<typeof post>>, status: number, code: string): void => {
  assert.deepEqual([answer.status, problemIn(answer).code], [status, code], answer.text)
}
const deliveriesOf = async (as: TestMerchant, endpoint: string, query = '') => webhookDeliveryPageSchema.parse(
  JSON.parse((await as.client.call({ path: `/v1/webhook_endpoints/${endpoint}/deliveries${query}` })).text)).data
/** As the dispatcher settles it. */
const settle = (id: string, state: 'delivered' | 'given_up') => running.database.asAdmin(
  'UPDATE ngome.webhook_deliveries SET state = $2, settled_at = now() WHERE id = $1', [id, state])
/** As long ago as another replay has to be. */
const letTimePass = (endpoint: string) => running.database.asAdmin(
  'UPDATE ngome.webhook_deliveries SET replayed_at = replayed_at - interval \'1 minute\' WHERE endpoint = $1', [endpoint])

/** Rows as who owns the tables can write them, past every trigger. @returns their ids */
async function plant({ tenant }: TestMerchant, object: string, rows: readonly (readonly [type: string, facts: string, at: string])[]): Promise<readonly string[]> {
  const ids = rows.map(() => newId('event', { clock: systemClock, random: systemRandom }))
  const values = rows.map(([type, facts, at], n) => `('${tenant.merchant}', '${tenant.world}', '${object}', ${70 + n}, '${ids[n]}', ${type}, ${at}, ${facts}, pg_current_xact_id())`)
  await running.database.asAdmin(`BEGIN; SET LOCAL session_replication_role = replica;
    INSERT INTO ngome.object_events (merchant, world, object, sequence, id, type, at, facts, position) VALUES ${values.join(', ')}; COMMIT`)
  return ids
}

describe('the list of events', () => {
  test('goes on from its cursor for ever: a page at a time, then with what came since', async () => {
    const owner = await running.addMerchant()
    assert.deepEqual(await page(owner), { object: 'list', data: [], next_cursor: null })
    const [one, two] = [await pay(owner), await pay(owner)]
    const first = await page(owner, '?limit=1')
    assert.deepEqual(first.data.map(({ type, sequence, data }) => [type, sequence, data.id]), [['payment.accepted', 1, one]])
    const second = await page(owner, `?limit=5&cursor=${first.next_cursor}`)
    assert.deepEqual(second.data.map(({ data }) => data.id), [two])
    const third = await page(owner, `?cursor=${second.next_cursor}`)
    assert.deepEqual([third.data, third.next_cursor], [[], second.next_cursor])
    await end(one)
    const fourth = await page(owner, `?cursor=${third.next_cursor}`)
    assert.deepEqual(fourth.data.map(({ type, sequence }) => [type, sequence]), [['payment.processing', 2], ['payment.failed', 3]])
    const [failed] = fourth.data.slice(-1)
    const now = JSON.parse((await owner.client.call({ path: `/v1/payments/${one}` })).text) as object
    assert.deepEqual(failed?.data, now, 'the payment as its merchant sees it')
    const alone = await owner.client.call({ path: `/v1/events/${failed?.id}` })
    assert.deepEqual(objectEventSchema.parse(JSON.parse(alone.text)), failed)
  })

  test('shows what stands beside rows of no form that the tables\' owner wrote, goes past them, and tells the operator of each once', { timeout: 60_000 }, async () => {
    const owner = await running.addMerchant()
    const [one] = [await pay(owner), await pay(owner)]
    const made = await plant(owner, one, [
      [`'payment.accepted'`, `'{"status":"paid"}'`, 'now()'], [`'payment.paid'`, `'{}'`, 'now()'], [`'payment.accepted'`, `'{"status":"accepted","failure":null}'`, `'infinity'`],
    ])
    const others = await plant(owner, 'stl_01k8z3f7q2e9d8m4n6p0r5s7tv', [[`'settlement.paid'`, `'{"amount_minor":"x"}'`, 'now()']])
    await end(one)
    const all = await page(owner)
    const types = ['payment.accepted', 'payment.accepted', 'payment.processing', 'payment.failed']
    assert.deepEqual(all.data.map(({ type }) => type), types)
    // One at a time there are pages that have nothing but such a row.
    const pages = []
    for (let cursor = ''; pages.length < 8;) {
      const next = await page(owner, `?limit=1${cursor}`)
      pages.push(next.data.map(({ type }) => type))
      cursor = `&cursor=${next.next_cursor}`
      if (pages.length === 8) assert.equal(next.next_cursor, all.next_cursor)
    }
    assert.deepEqual(pages, [[types[0]], [types[1]], [], [], [], [], [types[2]], [types[3]]])
    expectProblem(await owner.client.call({ path: `/v1/events/${made[0]}` }), 404, 'events/unknown')
    const told = () => running.database.asAdmin(`SELECT severity, data->>'kind' AS kind, data->>'row' AS row FROM ngome.events
      WHERE type = 'row.formless' AND merchant = $1 ORDER BY data->>'row'`, [owner.tenant.merchant])
    while ((await told()).length < 4) await sleep(20)
    assert.deepEqual(await told(), [...made, ...others].toSorted((a, b) => (a < b ? -1 : 1)).map((row) => ({ severity: 'alarm', kind: 'event', row })))
  })

  test('of payments too shows what stands beside a row whose time is none', async () => {
    const owner = await running.addMerchant()
    const [one, two] = [await pay(owner), await pay(owner)]
    await running.database.asAdmin(`BEGIN; SET LOCAL session_replication_role = replica;
      UPDATE ngome.payments SET updated_at = 'infinity' WHERE id = '${two}'; COMMIT`)
    const answer = await owner.client.call({ path: '/v1/payments' })
    assert.equal(answer.status, 200, answer.text)
    assert.deepEqual((JSON.parse(answer.text) as { data: { id: string }[] }).data.map(({ id }) => id), [one])
  })

  test('is of a type or of an object where that is asked for', async () => {
    const owner = await running.addMerchant()
    const [one] = [await pay(owner), await pay(owner)]
    await end(one)
    assert.deepEqual((await page(owner, '?type=payment.failed')).data.map(({ data }) => data.id), [one])
    assert.deepEqual((await page(owner, `?object=${one}`)).data.map(({ sequence }) => sequence), [1, 2, 3])
    assert.deepEqual((await page(owner, `?object=${one}&type=payment.processing`)).data.map(({ sequence }) => sequence), [2])
    for (const query of ['?type=payment.paid', '?object=pay_1', '?object=mer_01k8z3f7q2e9d8m4n6p0r5s7tv', '?limit=101', '?since=1']) {
      expectProblem(await owner.client.call({ path: `/v1/events${query}` }), 422, 'request/invalid')
    }
  })

  test('is what a webhook says, to the byte, from the acceptance on', async () => {
    const owner = await running.addMerchant()
    const { id: endpoint } = await addEndpoint(owner, { event_types: ['payment.accepted'] })
    await pay(owner)
    const [delivery] = await deliveriesOf(owner, endpoint)
    assert(delivery !== undefined)
    const loaded = await loadDelivery(dispatcher, owner.tenant, delivery.id)
    assert(loaded?.told !== null && loaded !== undefined)
    assert(isProvenEvent(running.custody.secret('callback'), loaded.told.event, loaded.told.proof))
    const alone = await owner.client.call({ path: `/v1/events/${delivery.event_id}` })
    assert.equal(alone.text, Buffer.from(eventBody(loaded.told.event)).toString())
    assert(!alone.text.includes('46733123499'))
  })

  const attacks: readonly (readonly [string, (owner: TestMerchant, cursor: string, other: TestMerchant) => Promise<void>])[] = [
    ['with another merchant\'s cursor', async (_, cursor, other) =>
      expectProblem(await other.client.call({ path: `/v1/events?cursor=${cursor}` }), 422, 'request/invalid')],
    ['with a cursor of the same merchant\'s other world', async (owner, cursor) => {
      const tenant = { ...owner.tenant, world: 'live' } as const
      running.custody.addTenant(tenant)
      const live = await running.issueKey(tenant)
      expectProblem(await live.client.call({ path: `/v1/events?cursor=${cursor}` }), 422, 'request/invalid')
      assert.deepEqual((await page(live)).data, [])
    }],
    ['with a cursor of another list', async (owner, cursor) =>
      expectProblem(await owner.client.call({ path: `/v1/events?cursor=${cursor}&type=payment.failed` }), 422, 'request/invalid')],
    ['with a cursor that somebody bent', async (owner, cursor) => {
      for (const bent of ['x', cursor.slice(0, -1), `${cursor.slice(0, 6)}AAAA${cursor.slice(10)}`]) {
        expectProblem(await owner.client.call({ path: `/v1/events?cursor=${bent}` }), 422, 'request/invalid')
      }
    }],
    ['by the id of another merchant\'s event', async (owner, _, other) => {
      const id = (await page(owner)).data[0]?.id ?? ''
      for (const target of [id, 'evt_01k8z3f7q2e9d8m4n6p0r5s7tv', 'x']) expectProblem(await other.client.call({ path: `/v1/events/${target}` }), 404, 'events/unknown')
    }],
    ['without the scope', async (owner) => {
      const { client } = await running.issueKey(owner.tenant, { scopes: new Set(['webhooks:read', 'payments:read']) })
      for (const path of ['/v1/events', `/v1/events/${(await page(owner)).data[0]?.id}`]) expectProblem(await client.call({ path }), 403, 'access/scope_missing')
    }],
  ]
  for (const [what, attack] of attacks) {
    test(`shows nobody else's events ${what}`, async () => {
      const [owner, other] = [await running.addMerchant(), await running.addMerchant()]
      await pay(owner)
      await attack(owner, (await page(owner)).next_cursor ?? '', other)
    })
  }
})

describe('what an endpoint is told of', () => {
  test('is stated with it, whole, and proven', async () => {
    const owner = await running.addMerchant()
    const made = await addEndpoint(owner, { event_types: ['payment.succeeded', 'webhook_endpoint.disabled'] })
    assert.deepEqual(made.event_types, ['payment.succeeded', 'webhook_endpoint.disabled'])
    const put = (body: object) => owner.client.call({ method: 'PUT', path: `/v1/webhook_endpoints/${made.id}`, body: { url: made.url, encryption: 'none', ...body } })
    assert.equal((JSON.parse((await put({ event_types: ['payment.failed'] })).text) as { event_types: unknown }).event_types?.toString(), 'payment.failed')
    assert.equal((JSON.parse((await put({})).text) as { event_types: unknown }).event_types, null)
    for (const eventTypes of [[], ['payment.paid'], ['payment.failed', 'payment.failed'], 'payment.failed', [null]]) {
      expectProblem(await put({ event_types: eventTypes }), 422, 'request/invalid')
    }
  })

  test('is told again where its merchant asks: under the same ids, once at a time, and no more than so often', async () => {
    const owner = await running.addMerchant()
    const { id: endpoint } = await addEndpoint(owner)
    await end(await pay(owner))
    const [delivery] = await deliveriesOf(owner, endpoint)
    assert(delivery !== undefined)
    const path = `/v1/webhook_deliveries/${delivery.id}/replay`
    expectProblem(await post(owner, path), 409, 'webhooks/delivery_waits')
    await settle(delivery.id, 'given_up')
    const replayed = await post(owner, path, undefined, 'replay-once')
    assert.equal(replayed.status, 202, replayed.text)
    const view = webhookDeliverySchema.parse(JSON.parse(replayed.text))
    assert.deepEqual([view.id, view.event_id, view.state, view.replays, view.settled_at], [delivery.id, delivery.event_id, 'pending', 1, null])
    assert.deepEqual(await deliveriesOf(owner, endpoint), [view])
    assert.equal((await post(owner, path, undefined, 'replay-once')).text, replayed.text, 'a repetition acts once')
    await settle(delivery.id, 'delivered')
    expectProblem(await post(owner, path), 409, 'webhooks/replayed_too_often')
    await letTimePass(endpoint)
    assert.equal((await post(owner, path)).status, 202, 'what was delivered as well')
    await running.database.asAdmin(`UPDATE ngome.webhook_deliveries SET replays = ${replaysMax}, state = 'given_up', settled_at = now() WHERE id = $1`, [delivery.id])
    await letTimePass(endpoint)
    expectProblem(await post(owner, path), 409, 'webhooks/replayed_too_often')
    const jobs = await running.database.asAdmin('SELECT 1 FROM pgboss.job WHERE data->>\'delivery\' = $1', [delivery.id])
    assert.equal(jobs.length, 3)
  })

  test('is told again once, of however many ask at the same moment', async () => {
    const owner = await running.addMerchant()
    const { id: endpoint } = await addEndpoint(owner)
    await end(await pay(owner))
    const [delivery] = await deliveriesOf(owner, endpoint)
    await settle(delivery?.id ?? '', 'given_up')
    await Promise.all(Array.from({ length: 12 }, () => post(owner, `/v1/webhook_deliveries/${delivery?.id}/replay`)))
    const jobs = await running.database.asAdmin('SELECT 1 FROM pgboss.job WHERE data->>\'delivery\' = $1', [delivery?.id])
    assert.equal(jobs.length, 2)
    assert.deepEqual((await deliveriesOf(owner, endpoint)).map(({ replays }) => replays), [1])
  })

  test('was disabled: it is told nothing until it is enabled, and then what it missed', async () => {
    const owner = await running.addMerchant()
    const { id: endpoint } = await addEndpoint(owner)
    const { id: deaf } = await addEndpoint(owner, { event_types: ['payment.succeeded'] })
    await end(await pay(owner))
    const [before] = await deliveriesOf(owner, endpoint)
    await settle(before?.id ?? '', 'given_up')
    await running.database.asAdmin('UPDATE ngome.webhook_endpoints SET disabled_at = now(), disabled_because = \'failing\' WHERE id = $1', [endpoint])
    const since = new Date(Date.parse(before?.event_at ?? '') - 1).toISOString()
    const missed = [await pay(owner), await pay(owner)]
    for (const payment of missed) await end(payment)
    const replay = (of = endpoint, body: object = {}, key = `bulk-${++serial}`) => post(owner, `/v1/webhook_endpoints/${of}/replay`, { since, ...body }, key)
    expectProblem(await replay(), 409, 'webhooks/endpoint_disabled')
    expectProblem(await post(owner, `/v1/webhook_deliveries/${before?.id}/replay`), 409, 'webhooks/endpoint_disabled')
    const shown = webhookEndpointPageSchema.parse(JSON.parse((await owner.client.call({ path: '/v1/webhook_endpoints' })).text)).data.find(({ id }) => id === endpoint)
    assert.equal(shown?.disabled_because, 'failing')
    const enabled = await post(owner, `/v1/webhook_endpoints/${endpoint}/enable`)
    assert.equal(enabled.status, 200, enabled.text)
    assert.equal((await post(owner, `/v1/webhook_endpoints/${endpoint}/enable`)).status, 200, 'nothing to do')
    const events = await page(owner, `?object=${endpoint}`)
    assert.deepEqual(events.data.map(({ type, sequence }) => [type, sequence]), [['webhook_endpoint.disabled', 1], ['webhook_endpoint.enabled', 2]])
    assert.equal((await deliveriesOf(owner, endpoint)).length, 1)
    const all = webhookReplaySchema.parse(JSON.parse((await replay(endpoint, {}, 'bulk-once')).text))
    assert.deepEqual(all, { object: 'webhook_replay', endpoint, since, deliveries: 3, continue_from: null })
    assert.deepEqual(JSON.parse((await replay(endpoint, {}, 'bulk-once')).text), all)
    const told = await deliveriesOf(owner, endpoint, '?state=pending')
    assert.deepEqual(new Set(told.map(({ payment }) => payment)), new Set([before?.payment, ...missed]))
    assert.equal((JSON.parse((await replay()).text) as { deliveries: number }).deliveries, 0, 'they wait already')
    assert.equal((JSON.parse((await replay(deaf, { state: 'all' })).text) as { deliveries: number }).deliveries, 0, 'nothing of what it did not choose')
  })

  test('is bounded: what is old, too much at once, and what nobody may ask', async () => {
    const [owner, thief] = [await running.addMerchant(), await running.addMerchant()]
    const { id: endpoint } = await addEndpoint(owner)
    await end(await pay(owner))
    const [delivery] = await deliveriesOf(owner, endpoint)
    await settle(delivery?.id ?? '', 'given_up')
    const replay = (as: TestMerchant, body: object, of: string = endpoint) => post(as, `/v1/webhook_endpoints/${of}/replay`, body)
    const since = new Date(Date.now() - 60_000).toISOString()
    for (const body of [{}, { since: 'yesterday' }, { since, state: 'pending' }, { since, until: since }]) {
      expectProblem(await replay(owner, body), 422, 'request/invalid')
    }
    for (const target of [endpoint, 'whe_01k8z3f7q2e9d8m4n6p0r5s7tv', 'x']) expectProblem(await replay(thief, { since }, target), 404, 'webhooks/endpoint_unknown')
    for (const target of [endpoint, 'whe_01k8z3f7q2e9d8m4n6p0r5s7tv', 'x']) expectProblem(await post(thief, `/v1/webhook_endpoints/${target}/enable`), 404, 'webhooks/endpoint_unknown')
    for (const target of [delivery?.id, 'whd_01k8z3f7q2e9d8m4n6p0r5s7tv', 'x']) expectProblem(await post(thief, `/v1/webhook_deliveries/${target}/replay`), 404, 'webhooks/delivery_unknown')
    const { client } = await running.issueKey(owner.tenant, { scopes: new Set(['webhooks:read', 'events:read']) })
    for (const path of [`/v1/webhook_endpoints/${endpoint}/enable`, `/v1/webhook_deliveries/${delivery?.id}/replay`]) {
      expectProblem(await client.call({ method: 'POST', path, idempotencyKey: `scope-${++serial}` }), 403, 'access/scope_missing')
    }
    const copies = (state: string, many: number, prefix: string) => running.database.asAdmin(`INSERT INTO ngome.webhook_deliveries
      (id, merchant, world, endpoint, payment, object, sequence, event, event_type, event_at, state, created_at, settled_at)
      SELECT ngome.id_of('whd', event_at + n * interval '1 ms', $2 || n), merchant, world, endpoint, payment, object, sequence, ngome.id_of('evt', event_at, $2 || n),
        event_type, event_at + n * interval '1 ms', $3, created_at, CASE WHEN $3 = 'pending' THEN NULL ELSE now() END
      FROM ngome.webhook_deliveries, generate_series(1, ${many}) n WHERE id = $1`, [delivery?.id, prefix, state])
    await copies('given_up', replayMax + 4, 'lost')
    const bulk = JSON.parse((await replay(owner, { since })).text) as { deliveries: number; continue_from: string }
    assert.equal(bulk.deliveries, replayMax)
    expectProblem(await replay(owner, { since: bulk.continue_from }), 409, 'webhooks/replay_running')
    await running.database.asAdmin('UPDATE ngome.webhook_deliveries SET state = \'delivered\', settled_at = now() WHERE endpoint = $1 AND state = \'pending\'', [endpoint])
    assert.equal((JSON.parse((await replay(owner, { since: bulk.continue_from })).text) as { deliveries: number }).deliveries, 5)
    const longAgo = webhookReplaySchema.parse(JSON.parse((await replay(owner, { since: '2020-01-01T00:00:00Z' })).text))
    assert(Date.now() - Date.parse(longAgo.since) < 31 * 86_400_000, 'what is older is listed')
  })
})

describe('a stolen gateway', () => {
  test('with its role numbers no event, makes up none, and tells again no more than a merchant could', async () => {
    const [owner, victim] = [await running.addMerchant(), await running.addMerchant()]
    const { id: endpoint } = await addEndpoint(victim)
    await end(await pay(victim))
    const [delivery] = await deliveriesOf(victim, endpoint)
    await settle(delivery?.id ?? '', 'delivered')
    const stolen = running.database.open('ngome_gateway', { poolMax: 1 })
    const as = async (sql: string, values: readonly unknown[] = []) => {
      const client = await stolen.pool.connect()
      try {
        await client.query('BEGIN')
        await client.query('SELECT set_config(\'ngome.merchant\', $1, true), set_config(\'ngome.world\', \'test\', true)', [owner.tenant.merchant])
        return (await client.query(sql, [...values])).rows as readonly unknown[]
      } finally {
        await client.query('ROLLBACK')
        client.release()
      }
    }
    for (const sql of [
      'UPDATE ngome.object_events SET sequence = 7', 'INSERT INTO ngome.object_events (merchant) VALUES (\'x\')', 'DELETE FROM ngome.webhook_deliveries',
      'UPDATE ngome.webhook_deliveries SET state = \'pending\'', 'SELECT ngome.make_deliveries(NULL, true)',
    ]) await assert.rejects(as(sql), { code: '42501' }, sql)
    // In another's place it sees nothing of the victim's, and replays nothing of it.
    assert.deepEqual(await as('SELECT ngome.replay_deliveries($1, ARRAY[$2], now())', [endpoint, delivery?.id]), [])
    assert.deepEqual(await as('SELECT ngome.make_missed_deliveries($1, now() - interval \'1 day\', 1000, now()) AS made', [endpoint]), [{ made: 0 }])
    assert.deepEqual(await as('SELECT 1 FROM ngome.object_events WHERE merchant = $1', [victim.tenant.merchant]), [])
    assert.equal((await loadDelivery(dispatcher, victim.tenant, delivery?.id as WebhookDeliveryId))?.endpointId, endpoint as WebhookEndpointId)
    await stolen.close()
  })
})
