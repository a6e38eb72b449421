import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { newId, systemClock, systemRandom, type Tenant } from '@ngome/kernel'
import { addTestMerchant, testAcceptance, testDatabase, type TestDatabase, type TestMerchant } from '@ngome/testkit'
import { acceptPayment } from './payments/accept-payment.ts'
import { findPayment } from './payments/find-payment.ts'
import type { DatabaseRole } from './roles.ts'

const from = { clock: systemClock, random: systemRandom }

let database: TestDatabase
let mine: TestMerchant
let other: TestMerchant
before(async () => {
  database = await testDatabase()
  mine = await addTestMerchant(database)
  other = await addTestMerchant(database)
  for (const merchant of [mine, other]) await acceptPayment(database.open('ngome_gateway'), testAcceptance(merchant))
})
after(() => database.close())

type Rows = readonly Record<string, unknown>[]

const enter = `SELECT set_config('ngome.merchant', $1, true), set_config('ngome.world', $2, true)`

/** Runs SQL as a role, in the tenant where one is given. */
async function asRole(
  role: DatabaseRole,
  tenant: Tenant | null,
  sql: string,
  values: readonly unknown[] = [],
): Promise<Rows> {
  const client = await database.open(role, { poolMax: 1 }).pool.connect()
  try {
    await client.query('BEGIN')
    if (tenant !== null) await client.query(enter, [tenant.merchant, tenant.world])
    return (await client.query<Record<string, unknown>>(sql, [...values])).rows
  } finally {
    await client.query('ROLLBACK')
    client.release()
  }
}

const counts = async (role: DatabaseRole, tenant: Tenant | null, table: string, column = '*'): Promise<number> =>
  Number((await asRole(role, tenant, `SELECT count(${column}) AS n FROM ngome.${table}`))[0]?.['n'])

/** Tables of tenants, with a role that may read them and a column that it may read. */
const readable: readonly (readonly [table: string, role: DatabaseRole, column: string])[] = [
  ['payments', 'ngome_gateway', 'id'],
  ['payments', 'ngome_dispatcher', 'id'],
  ['transfers', 'ngome_dispatcher', 'payment'],
  ['accounts', 'ngome_gateway', 'id'],
  ['idempotency', 'ngome_gateway', 'key_hash'],
  ['data_keys', 'ngome_dispatcher', 'id'],
]

describe('row-level security', () => {
  for (const [table, role, column] of readable) {
    test(`shows ${role} nothing of ${table} without a tenant, and only the tenant's with one`, async () => {
      assert.equal(await counts(role, null, table, column), 0)
      const own = await counts(role, mine.tenant, table, column)
      assert.ok(own > 0)
      const rows = await asRole(role, mine.tenant, `SELECT DISTINCT merchant FROM ngome.${table}`)
      assert.deepEqual(rows, [{ merchant: mine.tenant.merchant }])
      assert.equal(await counts(role, { ...mine.tenant, world: 'live' }, table, column), 0)
    })
  }

  test('hides a payment from another tenant and another world that know its id', async () => {
    const acceptance = testAcceptance(mine)
    const gateway = database.open('ngome_gateway')
    await acceptPayment(gateway, acceptance)
    const { id } = acceptance.payment
    assert.equal((await findPayment(gateway, mine.tenant, id))?.id, id)
    assert.equal(await findPayment(gateway, other.tenant, id), undefined)
    assert.equal(await findPayment(gateway, { ...mine.tenant, world: 'live' }, id), undefined)
  })

  test('lets nobody write for a tenant that is not the transaction\'s', async () => {
    await assert.rejects(asRole('ngome_gateway', mine.tenant, `INSERT INTO ngome.data_keys
      (id, merchant, world, retention, sealed, created_at) VALUES ($1, $2, 'test', 'payment', $3, now())`,
    [newId('dataKey', from), other.tenant.merchant, systemRandom.bytes(100)]), { code: '42501' })
    await assert.rejects(asRole('ngome_gateway', mine.tenant, `INSERT INTO ngome.events
      (id, type, severity, at, process, merchant, world, data)
      VALUES ($1, 'payment.accepted', 'info', now(), 'gateway', $2, 'test', '{}')`,
    [newId('event', from), other.tenant.merchant]), { code: '42501' })
    const changed = await asRole('ngome_dispatcher', mine.tenant, `
      WITH changed AS (UPDATE ngome.payments SET updated_at = now() WHERE merchant = $1 RETURNING 1)
      SELECT count(*)::int AS n FROM changed`,
    [other.tenant.merchant])
    assert.deepEqual(changed, [{ n: 0 }])
  })

  test('binds a transaction to one tenant only for as long as it lasts', async () => {
    const client = await database.open('ngome_gateway', { poolMax: 1 }).pool.connect()
    try {
      await client.query('BEGIN')
      await client.query(enter, [mine.tenant.merchant, mine.tenant.world])
      await client.query('COMMIT')
      const { rows } = await client.query('SELECT id FROM ngome.payments')
      assert.deepEqual(rows, [])
    } finally {
      client.release()
    }
  })

  test('covers every table of tenants, also for the owner, but for revocations, which all gateways read', async () => {
    assert.deepEqual(await uncovered(), ['revocations'])
    await database.asAdmin('CREATE TABLE ngome.forgotten (merchant text)')
    assert.deepEqual(await uncovered(), ['forgotten', 'revocations'])
    await database.asAdmin('DROP TABLE ngome.forgotten')
  })
})

async function uncovered(): Promise<readonly unknown[]> {
  const rows = await database.asAdmin(`SELECT c.relname FROM pg_class c
    WHERE c.relnamespace = 'ngome'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
      AND EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname IN ('merchant', 'world'))
      AND NOT (c.relrowsecurity AND c.relforcerowsecurity)
    ORDER BY 1`)
  return rows.map(({ relname }) => relname)
}
