import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { emit, type Event } from '@ngome/contracts'
import { idOf, idRandomBytes, systemClock, systemRandom, type IdKind, type PaymentId } from '@ngome/kernel'
import { addTestMerchant, testAcceptance, testDatabase, type TestDatabase, type TestMerchant } from '@ngome/testkit'
import pg from 'pg'
import { checkLedger } from '../ledger-check.ts'
import { migrate, shippedMigrations } from '../migrate.ts'
import { acceptPayment } from './accept-payment.ts'
import { findPayment } from './find-payment.ts'
import { keepPaymentPartitions } from './keep-payment-partitions.ts'

const from = { clock: systemClock, random: systemRandom }
const alarm = (days: number): Event => emit({ ...from, process: 'dispatcher' }, 'store.partitions_missing', null, { days })

let database: TestDatabase
let merchant: TestMerchant
before(async () => {
  database = await testDatabase()
  merchant = await addTestMerchant(database)
})
after(() => database.close())

const partitions = async (): Promise<readonly string[]> => (await database.asAdmin(
  `SELECT c.relname AS name FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = 'ngome.payments'::regclass ORDER BY 1`)).map(({ name }) => String(name))
const alarms = async (): Promise<number> => (await database.asAdmin(`SELECT FROM ngome.events WHERE type = 'store.partitions_missing'`)).length
const yearOf = (ms: number): number => new Date(ms).getUTCFullYear()
const idAt = <K extends IdKind>(kind: K, ms: number): string => idOf(kind, ms, systemRandom.bytes(idRandomBytes), 0)
const partitionOf = async (id: string): Promise<unknown> => (await database.asAdmin('SELECT tableoid::regclass::text AS part FROM ngome.payments WHERE id = $1', [id]))[0]?.['part']
const keep = (): Promise<number> => keepPaymentPartitions(database.open('ngome_dispatcher', { poolMax: 1 }), alarm)

/** As nobody would: with what lies in them. */
async function drop(names: readonly string[]): Promise<void> {
  for (const name of names) await database.asAdmin(`ALTER TABLE ngome.payments DETACH PARTITION ngome.${name}; DROP TABLE ngome.${name}`)
}

/** Writes a row of that moment, past the triggers: which partition it lies in is the table's alone to say. */
async function plant(id: string): Promise<void> {
  const template = testAcceptance(merchant)
  await acceptPayment(database.open('ngome_gateway', { poolMax: 1 }), template)
  await database.asAdmin(`SET session_replication_role = replica; INSERT INTO ngome.payments SELECT (jsonb_populate_record(p, jsonb_build_object('id', ${pg.escapeLiteral(id)},
    'direction', CASE left(${pg.escapeLiteral(id)}, 3) WHEN 'pyt' THEN 'payout' ELSE 'collection' END))).* FROM ngome.payments p WHERE p.id = ${pg.escapeLiteral(template.payment.id)}`)
}

describe('partitions of payments', () => {
  test('are there for this year and the next, by direction, and a payment lies in that of its time', async () => {
    const now = systemClock.nowMs()
    const there = await partitions()
    for (const prefix of ['pay', 'pyt', 'rfd']) {
      for (const ahead of [0, 1]) assert.ok(there.includes(`payments_${prefix}_${yearOf(now) + ahead}`), `${prefix} in ${ahead} years`)
    }
    const acceptance = testAcceptance(merchant)
    await acceptPayment(database.open('ngome_gateway', { poolMax: 1 }), acceptance)
    assert.equal(await partitionOf(acceptance.payment.id), `ngome.payments_pay_${yearOf(now)}`)
    const payout = idAt('payout', now)
    await plant(payout)
    assert.equal(await partitionOf(payout), `ngome.payments_pyt_${yearOf(now)}`)
    assert.ok(await keep() > 364)
    assert.deepEqual(await partitions(), there, 'nothing is made twice')
    assert.equal(await alarms(), 0)
  })

  test('divide at the first millisecond of a year', async () => {
    const edge = Date.UTC(new Date().getUTCFullYear() + 1)
    const [last, first] = [idAt('payment', edge - 1), idAt('payment', edge)]
    for (const id of [last, first]) await plant(id)
    assert.equal(await partitionOf(last), `ngome.payments_pay_${yearOf(edge - 1)}`)
    assert.equal(await partitionOf(first), `ngome.payments_pay_${yearOf(edge)}`)
  })

  test('a payment of a time without one is kept and found', async () => {
    const id = idAt('payment', Date.UTC(2019, 3, 1))
    await plant(id)
    assert.equal(await partitionOf(id), 'ngome.payments_default')
    assert.equal((await findPayment(database.open('ngome_gateway', { poolMax: 1 }), merchant.tenant, id as PaymentId))?.id, id)
  })

  test('let nobody read, change or remove a row by their own names', async () => {
    for (const part of await partitions()) {
      for (const role of ['ngome_gateway', 'ngome_dispatcher', 'ngome_operator', 'ngome_auditor'] as const) {
        await assert.rejects(database.open(role, { poolMax: 1 }).pool.query(`SELECT FROM ngome.${part}`), { code: '42501' })
      }
      await assert.rejects(database.asAdmin(`DELETE FROM ngome.${part}`), { code: 'NG003' })
      await assert.rejects(database.asAdmin(`TRUNCATE ngome.${part} CASCADE`), { code: 'NG003' })
    }
    await assert.rejects(database.asAdmin('DELETE FROM ngome.payments'), { code: 'NG003' })
    const rows = await database.asAdmin(`SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = 'ngome.payments'::regclass
      AND (SELECT count(*) FROM pg_trigger t WHERE t.tgrelid = c.oid AND t.tgname IN ('keep', 'guard', 'tell', 'guard_refund')) <> 4`)
    assert.deepEqual(rows, [], 'each has every rule')
  })

  test('that are missing are made, but not while somebody holds the table, who is not waited for; then an alarm says so', async () => {
    const there = await partitions()
    const gone = there.filter((name) => name.endsWith(String(yearOf(systemClock.nowMs()) + 1)))
    assert.ok(gone.length === 3)
    await drop(gone)
    const holder = await database.open('ngome_gateway', { poolMax: 1 }).pool.connect()
    try {
      await holder.query('BEGIN')
      await holder.query('SELECT id FROM ngome.payments LIMIT 1')
      assert.ok(await keep() <= 366)
      assert.equal((await partitions()).length, there.length - gone.length)
    } finally {
      await holder.query('ROLLBACK')
      holder.release()
    }
    assert.ok(await keep() > 364)
    assert.deepEqual(await partitions(), there)
  })

  test('that run out are an alarm: where rows of a year without one were there first', async () => {
    const before = await alarms()
    const next = Date.UTC(yearOf(systemClock.nowMs()) + 1)
    await drop([`payments_pay_${yearOf(next)}`])
    // No wait for the last month of the year: where this year is missing none is left. It is taken out with what refers to it.
    const [{ parts } = {}] = await database.asAdmin(`SELECT array_agg(conname || ' ' || conrelid::regclass) AS parts FROM pg_constraint WHERE confrelid = 'ngome.payments'::regclass AND conparentid = 0`)
    assert.ok(Array.isArray(parts))
    for (const part of parts as readonly string[]) {
      const [name = '', table = ''] = part.split(' ')
      await database.asAdmin(`ALTER TABLE ${table} DROP CONSTRAINT ${name}`)
    }
    await drop([`payments_pay_${yearOf(systemClock.nowMs())}`])
    await plant(idAt('payment', systemClock.nowMs()))
    assert.equal(await keep(), 0)
    assert.equal(await alarms(), before + 1)
  })
})

describe('the migration into partitions', () => {
  const cut = shippedMigrations().findIndex(({ name }) => name === '0046-time-partitions')
  const rules = `SELECT 'constraint' AS what, conrelid::regclass::text AS of, conname AS name, pg_get_constraintdef(oid) AS text FROM pg_constraint
      WHERE conparentid = 0 AND contype <> 'n' AND 'ngome.payments'::regclass IN (conrelid, confrelid)
    UNION ALL SELECT 'index', '', '', replace(pg_get_indexdef(indexrelid), 'ON ONLY', 'ON') FROM pg_index WHERE indrelid = 'ngome.payments'::regclass
    UNION ALL SELECT 'trigger', '', tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE tgrelid = 'ngome.payments'::regclass AND NOT tgisinternal
    UNION ALL SELECT 'policy', '', policyname, p::text FROM pg_policies p WHERE tablename = 'payments'
    UNION ALL SELECT 'column', '', attname, concat_ws(' ', format_type(atttypid, atttypmod), attnotnull, (SELECT array_agg(a::text ORDER BY a::text) FROM unnest(attacl) a), col_description(attrelid, attnum),
      (SELECT pg_get_expr(adbin, adrelid) FROM pg_attrdef WHERE adrelid = attrelid AND adnum = attnum)) FROM pg_attribute WHERE attrelid = 'ngome.payments'::regclass AND attnum > 0
    UNION ALL SELECT 'table', '', '', concat_ws(' ', (SELECT array_agg(a::text ORDER BY a::text) FROM unnest(relacl) a), relrowsecurity, relforcerowsecurity) FROM pg_class WHERE oid = 'ngome.payments'::regclass
    ORDER BY 1, 2, 3, 4`

  test('takes over every row and every rule that stood on the table, whichever migration put it there', async () => {
    const migrator = { ...database.connection('ngome_migrator'), database: 'before_partitions' }
    await database.asAdmin('CREATE DATABASE before_partitions OWNER ngome_migrator')
    const admin = new pg.Client({ ...database.admin, password: database.admin.password.expose((text) => text), database: 'before_partitions' })
    await admin.connect()
    try {
      await migrate(migrator, shippedMigrations().slice(0, cut))
      await admin.query('SET session_replication_role = replica')
      await admin.query(`INSERT INTO ngome.data_keys (id, merchant, world, retention, sealed, created_at) VALUES ($1, $2, 'test', 'payment', $3, now())`,
        [merchant.dataKey, merchant.tenant.merchant, systemRandom.bytes(100)])
      for (const [kind, ms] of [['payment', Date.UTC(2024, 4, 5)], ['payment', Date.UTC(2026, 0, 1)], ['payout', Date.UTC(2025, 11, 31, 23, 59, 59, 999)]] as const) {
        await admin.query(`INSERT INTO ngome.payments (id, merchant, world, status, direction, network, currency, amount_minor, reference, payer_masked, api_key, data_key, sealed, created_at, updated_at)
          VALUES ($1, $2, 'test', 'accepted', $3, 'mtn-sandbox', 'EUR', 500, 'r', '+46•••499', 'key', $5, $4, now(), now())`,
        [idAt(kind, ms), merchant.tenant.merchant, kind === 'payout' ? 'payout' : 'collection', systemRandom.bytes(100), merchant.dataKey])
      }
      const all = 'SELECT * FROM ngome.payments ORDER BY id'
      const [rows, stood] = [(await admin.query(all)).rows, (await admin.query(rules)).rows]
      assert.ok(stood.length > 40)
      await migrate(migrator, shippedMigrations().slice(0, cut + 1))
      assert.deepEqual((await admin.query(all)).rows, rows)
      assert.deepEqual((await admin.query(rules)).rows, stood)
      const parts = await admin.query<{ part: string }>('SELECT tableoid::regclass::text AS part FROM ngome.payments ORDER BY 1')
      assert.deepEqual(parts.rows.map(({ part }) => part), ['ngome.payments_pay_2024', 'ngome.payments_pay_2026', 'ngome.payments_pyt_2025'])
    } finally {
      await admin.end()
      await database.asAdmin('DROP DATABASE before_partitions WITH (FORCE)')
    }
  })

  test('leaves a ledger that can be checked', async () => {
    const fresh = await testDatabase()
    try {
      await acceptPayment(fresh.open('ngome_gateway', { poolMax: 1 }), testAcceptance(await addTestMerchant(fresh)))
      const { wrong, misheld, payments } = await checkLedger(fresh.open('ngome_auditor', { poolMax: 1 }))
      assert.deepEqual([wrong, misheld, payments], [[], [], 1])
    } finally {
      await fresh.close()
    }
  })
})
