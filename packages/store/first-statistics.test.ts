import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { testDatabase, type TestDatabase } from '@ngome/testkit'

let database: TestDatabase
before(async () => { database = await testDatabase() })
after(() => database.close())

/** Tables of a payment's way of which PostgreSQL believes what it likes. */
const strangers = async (): Promise<readonly unknown[]> => (await database.asAdmin(`SELECT c.relname FROM pg_class c
  JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'merchant' AND NOT a.attisdropped
  WHERE c.relnamespace = 'ngome'::regnamespace AND c.relkind = 'r'
    AND (c.relname LIKE 'payments%' OR c.relname IN ('attempts', 'object_events', 'transfers', 'payout_batch_parts', 'payout_batch_rows', 'network_movements'))
    AND NOT EXISTS (SELECT FROM pg_stats s WHERE s.schemaname = 'ngome' AND s.tablename = c.relname AND s.attname = 'merchant') ORDER BY 1`)).map(({ relname }) => relname)

test('a table that nothing was gathered of yet is taken to be of one tenant, and a partition that is made later too', async () => {
  assert.deepEqual(await strangers(), [])
  await database.asAdmin(`SELECT ngome.make_payment_partitions(now(), now() + interval '4 years')`)
  assert.deepEqual(await strangers(), [])
  await database.asAdmin('CREATE TABLE ngome.payments_of_nobody (merchant text)')
  assert.deepEqual(await strangers(), ['payments_of_nobody'])
})

test('so that one event is looked up by its whole key, and not by its merchant', async () => {
  const plan = await database.asAdmin(`EXPLAIN UPDATE ngome.object_events SET proof = NULL WHERE merchant = 'm' AND world = 'test' AND object = 'o' AND sequence = 1`)
  assert.match(plan.map((row) => row['QUERY PLAN']).join('\n'), /object_events_pkey/)
})
