import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { Secret, systemRandom, toBase64Url } from '@ngome/kernel'
import { testDatabase, testServer, type TestDatabase } from '@ngome/testkit'
import { openDatabase, type Connection } from './database.ts'
import { migrate, shippedMigrations, type Migration } from './migrate.ts'
import { createRoles, databaseRoles, type DatabaseRole } from './roles.ts'

let database: TestDatabase
let migrator: Connection
before(async () => {
  database = await testDatabase()
  migrator = database.connection('ngome_migrator')
})
after(() => database.close())

const shipped = shippedMigrations()
const next: Migration = { name: '9999-next', sql: 'CREATE TABLE ngome.next (id integer)' }

describe('migrations', () => {
  test('change nothing the second time', async () => {
    const catalog = (): Promise<unknown> => database.asAdmin(`SELECT
      (SELECT count(*) FROM pg_class) AS relations, (SELECT count(*) FROM pg_policy) AS policies,
      (SELECT json_agg(a ORDER BY name) FROM migrations.applied a) AS applied`)
    const before = await catalog()
    assert.deepEqual(await migrate(migrator), [])
    assert.deepEqual(await catalog(), before)
  })

  test('are applied once by many who come at once', async () => {
    const applied = await Promise.all(Array.from({ length: 4 }, () => migrate(migrator, [...shipped, next])))
    assert.deepEqual(applied.flat(), ['9999-next'])
  })

  test('are refused where one was changed after it was applied', async () => {
    const [first, ...rest] = shipped
    assert.ok(first)
    const changed = [{ ...first, sql: `${first.sql}\n-- a thought` }, ...rest, next]
    await assert.rejects(migrate(migrator, changed), { code: 'store/schema_refused', message: /0001-tenants was changed/ })
  })

  test('are refused where the database knows one that the program does not', async () => {
    await assert.rejects(migrate(migrator, shipped), { code: 'store/schema_refused', message: /9999-next, which this version/ })
  })

  test('that fail leave nothing behind', async () => {
    const broken = { name: '9998-broken', sql: 'CREATE TABLE ngome.half (id integer); SELECT 1 / 0' }
    await assert.rejects(migrate(migrator, [...shipped, next, broken]), /9998-broken failed/)
    assert.deepEqual(await database.asAdmin(`SELECT to_regclass('ngome.half') AS half`), [{ half: null }])
  })

  test('make partitions for today and the days ahead, and a row of any other day is kept as well', async () => {
    const dispatcher = database.open('ngome_dispatcher')
    await dispatcher.pool.query('SELECT ngome.ensure_partitions(3)')
    const days = await database.asAdmin(`SELECT count(*)::int AS n FROM pg_class
      WHERE relname ~ '^events_[0-9]{8}$' AND relispartition`)
    assert.ok(Number(days[0]?.['n']) >= 4)
    await database.asAdmin(`INSERT INTO ngome.events (id, type, severity, at, process, data)
      VALUES ('evt_01jd0000000000000000000000', 'merchant.created', 'info', '2001-01-01', 'operator', '{}')`)
    assert.deepEqual(await database.asAdmin('SELECT count(*)::int AS n FROM ngome.events_default'), [{ n: 1 }])
  })
})

describe('roles', () => {
  test('rotate their passwords at each call, and the old ones no longer open', async () => {
    // A server of its own: roles belong to the server, and other tests use theirs.
    const server = await testServer({ fsync: 'off' })
    const { admin } = server.postgres
    type Passwords = Record<DatabaseRole, Secret<string>>
    const fresh = (): Passwords => Object.fromEntries(
      databaseRoles.map((role) => [role, new Secret(toBase64Url(systemRandom.bytes(24)))])) as Passwords
    const [first, second] = [fresh(), fresh()]
    const canEnter = async (password: Secret<string>): Promise<boolean> => {
      const connection = { ...admin, database: 'ngome', user: 'ngome_gateway', password }
      const db = openDatabase({ ...connection, applicationName: 'test', poolMax: 1 })
      const isIn = await db.ping().then(() => true, () => false)
      await db.close()
      return isIn
    }
    try {
      await createRoles(admin, 'ngome', first, systemRandom)
      assert.equal(await canEnter(first.ngome_gateway), true)
      await createRoles(admin, 'ngome', second, systemRandom)
      assert.equal(await canEnter(first.ngome_gateway), false)
      assert.equal(await canEnter(second.ngome_gateway), true)
      const migrator = { ...admin, database: 'ngome', user: 'ngome_migrator', password: second.ngome_migrator }
      const names = shipped.map(({ name }) => name)
      const at = names.indexOf('0010-webhook-secrets')
      assert.deepEqual(await migrate(migrator, shipped.slice(0, at)), names.slice(0, at))
      const older = openDatabase({ ...admin, database: 'ngome', applicationName: 'test', poolMax: 1 })
      await older.pool.query(`INSERT INTO ngome.merchants (id, name, created_at) VALUES ('mer_01jd0000000000000000000000', 'x', now());
        INSERT INTO ngome.data_keys (id, merchant, world, retention, sealed, created_at)
          SELECT 'dek_01jd0000000000000000000000', id, 'test', 'credential', decode(repeat('ab', 1200), 'hex'), now() FROM ngome.merchants;
        INSERT INTO ngome.webhook_endpoints (id, merchant, world, slot, url, data_key, sealed_secret, created_at)
          SELECT 'whe_01jd0000000000000000000000', merchant, world, 1, 'https://x.example/', id, decode(repeat('cd', 99), 'hex'), created_at
          FROM ngome.data_keys;
        INSERT INTO ngome.payments (id, merchant, world, status, direction, network, currency, amount_minor, reference, payer_masked, api_key,
            data_key, sealed, created_at, updated_at)
          SELECT concat('pay_01jd000000000000000000000', n), merchant, world, 'accepted', 'collection', 'mtn-sandbox', 'EUR', 500, 'x', '•••',
            'key_x', id, decode(repeat('cd', 99), 'hex'), '2026-01-01', '2026-01-01' FROM ngome.data_keys, generate_series(1, 3) n;
        INSERT INTO ngome.accounts (id, merchant, world, kind, network, currency)
          SELECT concat('acc_01jd000000000000000000000', n), merchant, world, CASE n WHEN 1 THEN 'provider_clearing' ELSE 'merchant_available' END,
            CASE n WHEN 1 THEN 'mtn-sandbox' ELSE '' END, 'EUR' FROM ngome.data_keys, generate_series(1, 2) n;
        INSERT INTO ngome.transfers (id, merchant, world, payment, kind, debit_account, credit_account, amount_minor, currency, state, created_at)
          SELECT concat('trf_', right(id, 26)), merchant, world, id, 'collection', 'acc_01jd0000000000000000000001', 'acc_01jd0000000000000000000002',
            500, 'EUR', 'pending', '2026-01-01' FROM ngome.payments;
        UPDATE ngome.transfers SET state = CASE right(id, 1) WHEN '1' THEN 'posted' ELSE 'voided' END, settled_at = '2026-01-02'
          WHERE right(id, 1) IN ('1', '2')`)
      assert.deepEqual(await migrate(migrator), names.slice(at))
      const transfers = await older.pool.query<{ s: string }>(`SELECT concat_ws(' ', right(payment, 1), phase, amount_minor, at::date) AS s
        FROM ngome.transfers ORDER BY 1`)
      assert.deepEqual(transfers.rows.map(({ s }) => s), [
        '1 pending 500 2026-01-01', '1 posted 500 2026-01-02', '2 pending 500 2026-01-01', '2 voided 500 2026-01-02', '3 pending 500 2026-01-01',
      ])
      const held = await older.pool.query<{ s: string }>(
        'SELECT concat_ws(\' \', posted_in, posted_out, pending_in, pending_out) AS s FROM ngome.account_totals(\'acc_01jd0000000000000000000002\')')
      assert.deepEqual(held.rows, [{ s: '500 0 500 0' }])
      const moved = await older.pool.query<{ s: string }>(
        'SELECT concat_ws(\' \', endpoint, version, data_key, length(sealed), ends_at) AS s FROM ngome.webhook_secrets')
      await older.close()
      assert.deepEqual(moved.rows, [{ s: 'whe_01jd0000000000000000000000 1 dek_01jd0000000000000000000000 99' }])
    } finally {
      await server.postgres.stop()
    }
  })

  test('have verifiers of SCRAM, and the server has seen no password', async () => {
    const rows = await database.asAdmin(`SELECT rolname FROM pg_authid WHERE rolname LIKE 'ngome_%'
      AND rolpassword !~ '^SCRAM-SHA-256\\$4096:[A-Za-z0-9+/=]{24}\\$[A-Za-z0-9+/=]{44}:[A-Za-z0-9+/=]{44}$'`)
    assert.deepEqual(rows, [])
  })
})
