import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { systemRandom, type DataKeyId } from '@ngome/kernel'
import { addTestMerchant, testAcceptance, testDatabase, type TestDatabase, type TestMerchant } from '@ngome/testkit'
import type { Database } from '../database.ts'
import { acceptPayment } from './accept-payment.ts'
import { findPayment } from './find-payment.ts'
import { findAnswer } from './idempotency.ts'
import { listPayments } from './list-payments.ts'

let database: TestDatabase
let gateway: Database
let merchant: TestMerchant
before(async () => {
  database = await testDatabase()
  gateway = database.open('ngome_gateway', { poolMax: 16 })
  merchant = await addTestMerchant(database)
})
after(() => database.close())

const countsOf = (id: string): Promise<readonly Record<string, unknown>[]> => database.asAdmin(`SELECT
  (SELECT count(*)::int FROM ngome.payments WHERE id = $1) AS payments,
  (SELECT count(*)::int FROM ngome.transfers WHERE payment = $1 AND phase = 'pending') AS transfers,
  (SELECT count(*)::int FROM ngome.events WHERE data->>'payment' = $1) AS events,
  (SELECT count(*)::int FROM ngome.audit_leaves l JOIN ngome.events e ON e.id = l.event
    WHERE e.data->>'payment' = $1) AS leaves,
  (SELECT count(*)::int FROM pgboss.job WHERE data->>'payment' = $1 AND state = 'created') AS jobs`, [id])

const everything = { payments: 1, transfers: 1, events: 1, leaves: 1, jobs: 1 }
const nothing = { payments: 0, transfers: 0, events: 0, leaves: 0, jobs: 0 }

describe('accepting a payment', () => {
  test('writes payment, transfer, event, leaf and job together', async () => {
    const acceptance = testAcceptance(merchant)
    assert.deepEqual(await acceptPayment(gateway, acceptance), { kind: 'accepted' })
    assert.deepEqual(await countsOf(acceptance.payment.id), [everything])
    const row = await findPayment(gateway, merchant.tenant, acceptance.payment.id)
    assert.equal(row?.status, 'accepted')
    assert.equal(row?.amountMinor, 500n)
    assert.equal(row?.createdAtMs, acceptance.payment.createdAtMs)
  })

  test('leaves nothing of one that the database refuses', async () => {
    const acceptance = testAcceptance(merchant)
    const dataKey = 'dek_00000000000000000000000000' as DataKeyId
    const unknownKey = { ...acceptance, payment: { ...acceptance.payment, dataKey } }
    await assert.rejects(acceptPayment(gateway, unknownKey), { code: '23503' })
    assert.deepEqual(await countsOf(acceptance.payment.id), [nothing])
    assert.deepEqual(await acceptPayment(gateway, acceptance), { kind: 'accepted' })
  })

  test('answers a repetition with what the first got', async () => {
    const first = testAcceptance(merchant)
    await acceptPayment(gateway, first)
    const { idempotency } = first
    const answer = { status: 201, body: 'another' }
    const again = testAcceptance(merchant, { idempotency: { ...idempotency, answer } })
    assert.deepEqual(await acceptPayment(gateway, again), { kind: 'replay', ...idempotency.answer })
    assert.deepEqual(await findAnswer(gateway, merchant.tenant, idempotency), { kind: 'replay', ...idempotency.answer })
    assert.deepEqual(await countsOf(again.payment.id), [nothing])
  })

  test('refuses a key that came with another request before', async () => {
    const first = testAcceptance(merchant)
    await acceptPayment(gateway, first)
    const idempotency = { ...first.idempotency, fingerprint: systemRandom.bytes(32) }
    assert.deepEqual(await acceptPayment(gateway, testAcceptance(merchant, { idempotency })), { kind: 'key_reused' })
  })

  test('keeps the keys of two worlds and two merchants apart', async () => {
    const { idempotency } = testAcceptance(merchant)
    const live = await addTestMerchant(database, 'live')
    assert.deepEqual(await acceptPayment(gateway, testAcceptance(merchant, { idempotency })), { kind: 'accepted' })
    assert.deepEqual(await acceptPayment(gateway, testAcceptance(live, { idempotency })), { kind: 'accepted' })
  })

  test('makes one payment of a hundred at once with one key', async () => {
    const { idempotency } = testAcceptance(merchant)
    const outcomes = await Promise.all(Array.from({ length: 100 }, () =>
      acceptPayment(gateway, testAcceptance(merchant, { idempotency }))))
    const kinds = Map.groupBy(outcomes, ({ kind }) => kind)
    assert.equal(kinds.get('accepted')?.length, 1)
    assert.equal(kinds.get('replay')?.length, 99)
    const rows = await database.asAdmin('SELECT count(*)::int AS n FROM ngome.idempotency WHERE key_hash = $1',
      [idempotency.keyHash])
    assert.deepEqual(rows, [{ n: 1 }])
  })

  test('tells a duplicate after two seconds that its original is still in flight, which does not end before', { timeout: 60_000 }, async () => {
    const acceptance = testAcceptance(merchant)
    const other = await gateway.pool.connect()
    try {
      await other.query('BEGIN')
      await other.query(`SELECT set_config('ngome.merchant', $1, true), set_config('ngome.world', $2, true)`,
        [merchant.tenant.merchant, merchant.tenant.world])
      await other.query(`INSERT INTO ngome.idempotency
        (merchant, world, key_hash, fingerprint, status, body, created_at) VALUES ($1, $2, $3, $4, 201, 'first', now())`,
      [merchant.tenant.merchant, merchant.tenant.world, acceptance.idempotency.keyHash,
        acceptance.idempotency.fingerprint])
      const startedAt = performance.now()
      assert.deepEqual(await acceptPayment(gateway, acceptance), { kind: 'in_flight' })
      const waitedMs = performance.now() - startedAt
      assert.ok(waitedMs > 1_900, `waited ${waitedMs} ms`)
    } finally {
      await other.query('ROLLBACK')
      other.release()
    }
    assert.deepEqual(await acceptPayment(gateway, acceptance), { kind: 'accepted' })
  })

  test('makes the accounts of a merchant once, however many need them at once', async () => {
    const fresh = await addTestMerchant(database)
    const outcomes = await Promise.all(Array.from({ length: 40 }, () => acceptPayment(gateway, testAcceptance(fresh))))
    assert.ok(outcomes.every(({ kind }) => kind === 'accepted'))
    const rows = await database.asAdmin('SELECT kind FROM ngome.accounts WHERE merchant = $1 ORDER BY kind',
      [fresh.tenant.merchant])
    assert.deepEqual(rows, [{ kind: 'merchant_available' }, { kind: 'provider_clearing' }])
  })
})

describe('listing payments', () => {
  test('pages through all of them, the newest first, each once', async () => {
    const fresh = await addTestMerchant(database)
    const accepted: string[] = []
    for (let n = 0; n < 7; n++) {
      const acceptance = testAcceptance(fresh)
      await acceptPayment(gateway, acceptance)
      accepted.push(acceptance.payment.id)
    }
    const seen: string[] = []
    for (let page = await listPayments(gateway, fresh.tenant, { direction: 'collection', after: null, limit: 3 }); page.length > 0;
      page = await listPayments(gateway, fresh.tenant, { direction: 'collection', after: page.at(-1)?.id ?? null, limit: 3 })) {
      assert.ok(page.length <= 3)
      seen.push(...page.map(({ id }) => id))
    }
    assert.deepEqual(seen, accepted.toSorted().toReversed())
    assert.deepEqual(await listPayments(gateway, fresh.tenant, { direction: 'collection', after: null, limit: 9, status: 'failed' }), [])
    assert.equal((await listPayments(gateway, fresh.tenant, { direction: 'collection', after: null, limit: 9, status: 'accepted' })).length, 7)
  })
})
