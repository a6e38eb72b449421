import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { emit } from '@ngome/contracts'
import { newId, systemClock, systemRandom, type AcmeOrderId, type GatewayInstanceId } from '@ngome/kernel'
import { testDatabase, type TestDatabase } from '@ngome/testkit'
import type { Database } from '../database.ts'
import { listAcmeChallenges, putAcmeChallenge } from './acme-challenges.ts'
import { askAcmeRenewal, findAcmeRenewals, recordAcmeRenewal } from './acme-renewals.ts'
import { endAcmeOrder } from './end-acme-order.ts'
import { findAcmeOrders } from './find-acme-orders.ts'
import { insertAcmeOrder } from './insert-acme-order.ts'
import { recordAcmeProgress } from './record-acme-progress.ts'
import { takeDueAcmeOrders } from './take-due-acme-orders.ts'

const from = { clock: systemClock, random: systemRandom }
const csr = 'C'.repeat(200)
const nowMs = Date.now()

let database: TestDatabase
let gateway: Database
let dispatcher: Database
let operator: Database
before(async () => {
  database = await testDatabase()
  gateway = database.open('ngome_gateway', { poolMax: 2 })
  dispatcher = database.open('ngome_dispatcher', { poolMax: 2 })
  operator = database.open('ngome_operator', { poolMax: 1 })
})
beforeEach(() => database.asAdmin('TRUNCATE ngome.acme_orders CASCADE'))
after(() => database.close())

const newInstance = (): GatewayInstanceId => newId('gatewayInstance', from)

async function order(instance = newInstance()): Promise<{ readonly id: AcmeOrderId; readonly came: string }> {
  const id = newId('acmeOrder', from)
  const event = emit({ ...from, process: 'gateway' }, 'tls.acme_ordered', null, { order: id, names: ['api.example'] })
  return { id, came: await insertAcmeOrder(gateway, { id, instance, names: ['api.example'], csr, requestedAtMs: nowMs }, event) }
}

async function issued(instance = newInstance()): Promise<AcmeOrderId> {
  const { id } = await order(instance)
  await recordAcmeProgress(dispatcher, id, { state: 'ordered', dueAtMs: nowMs, account: 'https://ca/1', orderUrl: 'https://ca/2', orderedAtMs: nowMs })
  await recordAcmeProgress(dispatcher, id, { state: 'issued', dueAtMs: nowMs, chain: 'chain' })
  return id
}

describe('an order of a certificate', () => {
  test('is one at a time for each folder, and another folder\'s beside it', async () => {
    const instance = newInstance()
    assert.equal((await order(instance)).came, 'ordered')
    assert.equal((await order(instance)).came, 'open')
    assert.equal((await order()).came, 'ordered')
    const events = await database.asAdmin(`SELECT data FROM ngome.events WHERE type = 'tls.acme_ordered'`)
    assert.equal(events.length, 2)
  })

  test('is taken by one dispatcher, and again when that one died with it', async () => {
    const { id } = await order()
    const take = (atMs: number) => takeDueAcmeOrders(dispatcher, { nowMs: atMs, leaseMs: 1_000, limit: 4 })
    const both = await Promise.all([take(nowMs), take(nowMs)])
    assert.deepEqual(both.flat().map((row) => row.id), [id])
    assert.deepEqual(await take(nowMs + 999), [])
    assert.deepEqual((await take(nowMs + 1_000)).map((row) => row.id), [id])
  })

  test('goes from request to use, and its challenges are gone when nobody asks any more', async () => {
    const instance = newInstance()
    const { id } = await order(instance)
    const token = 't'.repeat(43)
    await recordAcmeProgress(dispatcher, id, { state: 'ordered', dueAtMs: nowMs })
    const challenge = { token, name: 'api.example', keyAuthorization: `${token}.${'k'.repeat(43)}` }
    await putAcmeChallenge(dispatcher, id, challenge)
    await putAcmeChallenge(dispatcher, id, challenge)
    assert.deepEqual(await listAcmeChallenges(gateway), [challenge])
    await recordAcmeProgress(dispatcher, id, { state: 'issued', dueAtMs: nowMs, chain: 'chain' })
    assert.deepEqual(await listAcmeChallenges(gateway), [])
    assert.equal(await endAcmeOrder(gateway, id, { state: 'installed' }, nowMs), true)
    assert.equal(await endAcmeOrder(gateway, id, { state: 'refused', refusal: 'expired' }, nowMs), false)
    const [row] = await findAcmeOrders(gateway, instance)
    assert.deepEqual([row?.state, row?.chain, row?.endedAtMs, row?.names], ['installed', 'chain', nowMs, ['api.example']])
    assert.equal((await order(instance)).came, 'ordered')
  })

  test('that its gateway withdrew is no longer the dispatcher\'s', async () => {
    const { id } = await order()
    assert.equal(await endAcmeOrder(gateway, id, { state: 'withdrawn' }, nowMs), true)
    assert.equal(await recordAcmeProgress(dispatcher, id, { state: 'ordered', dueAtMs: nowMs }), false)
    assert.deepEqual(await takeDueAcmeOrders(dispatcher, { nowMs: nowMs + 9e9, leaseMs: 1, limit: 4 }), [])
  })

  test('is bounded in number: a stolen gateway orders sixty-four in a day and no more', async () => {
    for (let count = 0; count < 64; count++) assert.equal((await order()).came, 'ordered')
    assert.equal((await order()).came, 'too_many')
    await assert.rejects(gateway.pool.query(`INSERT INTO ngome.acme_orders (id, instance, names, csr, requested_at, due_at, created_at)
      VALUES ($1, $2, '{a}', $3, now(), now(), now() - interval '2 days')`, [newId('acmeOrder', from), newInstance(), csr]), /permission denied/)
  })

  test('is renewed when its authority or the operator says so', async () => {
    const id = await issued()
    await endAcmeOrder(gateway, id, { state: 'installed' }, nowMs)
    assert.deepEqual((await findAcmeRenewals(dispatcher, nowMs)).map((row) => row.id), [id])
    await recordAcmeRenewal(dispatcher, id, { renewAtMs: nowMs + 5, againAtMs: nowMs + 10 })
    assert.deepEqual(await findAcmeRenewals(dispatcher, nowMs + 9), [])
    assert.equal((await findAcmeRenewals(dispatcher, nowMs + 10)).length, 1)
    const waiting = await order()
    await recordAcmeProgress(dispatcher, waiting.id, { state: 'requested', dueAtMs: nowMs + 9e6, tries: 1, failure: { problem: 'x', detail: 'y' } })
    const asked = await askAcmeRenewal(operator, nowMs, (instances) => emit({ ...from, process: 'operator' }, 'tls.acme_renewal_asked', null, { instances }))
    assert.equal(asked, 2)
    const rows = await findAcmeOrders(operator)
    assert.equal(rows.find((row) => row.id === id)?.renewalAskedAtMs, nowMs)
    const tried = rows.find((row) => row.id === waiting.id)
    assert.deepEqual([tried?.dueAtMs, tried?.renewalAskedAtMs, tried?.problem], [nowMs, null, 'x'])
  })
})

/** What a role tries with its own rights, each a theft of its password. */
const attacks: readonly (readonly [claim: string, role: () => Database, sql: string, says: RegExp])[] = [
  ['the gateway writes a chain', () => gateway, `UPDATE ngome.acme_orders SET chain = 'x'`, /permission denied/],
  ['the gateway orders what is issued already', () => gateway, `INSERT INTO ngome.acme_orders (id, instance, names, csr, requested_at, due_at, state, chain)
    SELECT id, instance, names, csr, requested_at, due_at, 'issued', 'x' FROM ngome.acme_orders`, /permission denied/],
  ['the gateway says that it is issued', () => gateway, `UPDATE ngome.acme_orders SET state = 'issued'`, /row-level security|cannot go/],
  ['the gateway answers a challenge of its own', () => gateway,
    `INSERT INTO ngome.acme_challenges (token, order_id, name, key_authorization) VALUES ('x', 'y', 'z', 'w')`, /permission denied/],
  ['the dispatcher changes the names', () => dispatcher, `UPDATE ngome.acme_orders SET names = '{evil.example}'`, /permission denied/],
  ['the dispatcher changes the request', () => dispatcher, `UPDATE ngome.acme_orders SET csr = 'x'`, /permission denied/],
  ['the dispatcher refuses in the gateway\'s name', () => dispatcher,
    `UPDATE ngome.acme_orders SET state = 'withdrawn', ended_at = now()`, /row-level security/],
  ['the dispatcher leaves out what comes between', () => dispatcher,
    `UPDATE ngome.acme_orders SET state = 'issued', chain = 'x'`, /cannot go from requested to issued/],
  ['the dispatcher orders', () => dispatcher, `INSERT INTO ngome.acme_orders (id) VALUES ('x')`, /permission denied/],
  ['the operator writes a chain', () => operator, `UPDATE ngome.acme_orders SET chain = 'x'`, /permission denied/],
  ['a token leaves its folder', () => dispatcher, `INSERT INTO ngome.acme_challenges (token, order_id, name, key_authorization)
    SELECT '../../../../../../etc/passwd', id, 'a', '../../../../../../etc/passwd.' || repeat('k', 43) FROM ngome.acme_orders`, /acme_challenges/],
  ['a token holds a line end', () => dispatcher, `INSERT INTO ngome.acme_challenges (token, order_id, name, key_authorization)
    SELECT repeat('t', 30) || chr(10), id, 'a', repeat('t', 30) || chr(10) || '.' || repeat('k', 43) FROM ngome.acme_orders`, /acme_challenges/],
  ['a token is short enough to be guessed', () => dispatcher, `INSERT INTO ngome.acme_challenges (token, order_id, name, key_authorization)
    SELECT 't', id, 'a', 't.' || repeat('k', 43) FROM ngome.acme_orders`, /acme_challenges/],
  ['an answer is another token\'s', () => dispatcher, `INSERT INTO ngome.acme_challenges (token, order_id, name, key_authorization)
    SELECT repeat('t', 30), id, 'a', repeat('u', 30) || '.' || repeat('k', 43) FROM ngome.acme_orders`, /acme_challenges/],
]

describe('the database refuses that', () => {
  for (const [claim, role, sql, says] of attacks) {
    test(claim, async () => {
      await order()
      await assert.rejects(role().pool.query(sql), says)
    })
  }

  test('a chain is put in the place of another', async () => {
    const id = await issued()
    await endAcmeOrder(gateway, id, { state: 'installed' }, nowMs)
    await assert.rejects(dispatcher.pool.query(`UPDATE ngome.acme_orders SET chain = 'planted'`), /does not change/)
    await assert.rejects(database.asAdmin(`UPDATE ngome.acme_orders SET chain = 'planted'`), /does not change/)
    await assert.rejects(database.asAdmin(`UPDATE ngome.acme_orders SET state = 'issued', ended_at = NULL`), /cannot go from installed/)
  })
})

test('what is of no more use is removed, and nothing else', async () => {
  const [old, open] = [await issued(), await order()]
  await endAcmeOrder(gateway, old, { state: 'installed' }, nowMs - 501 * 86_400_000)
  await dispatcher.pool.query('SELECT ngome.purge_acme()')
  assert.deepEqual((await findAcmeOrders(gateway)).map(({ id }) => id), [open.id])
})
