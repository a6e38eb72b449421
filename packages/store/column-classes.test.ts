import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { dataClasses } from '@ngome/kernel'
import { testDatabase, type TestDatabase } from '@ngome/testkit'

let database: TestDatabase
before(async () => {
  database = await testDatabase()
})
after(() => database.close())

/** Columns without a class, of every table of every schema that is not PostgreSQL's own. */
async function unclassed(): Promise<readonly unknown[]> {
  const rows = await database.asAdmin(`
    SELECT n.nspname || '.' || c.relname || '.' || a.attname AS name
    FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname !~ '^pg_|^information_schema$' AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition
      AND a.attnum > 0 AND NOT a.attisdropped
      AND coalesce(col_description(c.oid, a.attnum), '') <> ALL ($1)
    ORDER BY 1`, [dataClasses.map((name) => `class: ${name}`)])
  return rows.map(({ name }) => name)
}

describe('every column', () => {
  test('carries its class', async () => {
    assert.deepEqual(await unclassed(), [])
  })

  test('is looked at: one that is added without a class, or with a wrong one, is found', async () => {
    await database.asAdmin('ALTER TABLE ngome.payments ADD COLUMN payer_phone text')
    assert.deepEqual(await unclassed(), ['ngome.payments.payer_phone'])
    await database.asAdmin(`COMMENT ON COLUMN ngome.payments.payer_phone IS 'class: secret'`)
    assert.deepEqual(await unclassed(), ['ngome.payments.payer_phone'])
    await database.asAdmin('ALTER TABLE ngome.payments DROP COLUMN payer_phone')
  })

  test('of class restricted holds bytes that are sealed, and nothing else is bytes of that class', async () => {
    const rows = await database.asAdmin(`
      SELECT c.relname || '.' || a.attname AS name, format_type(a.atttypid, NULL) AS type
      FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
      WHERE NOT c.relispartition AND col_description(c.oid, a.attnum) = 'class: restricted' ORDER BY 1`)
    assert.deepEqual(rows, [
      { name: 'callback_hints.sealed', type: 'bytea' },
      { name: 'data_keys.sealed', type: 'bytea' },
      { name: 'forwards.sealed', type: 'bytea' },
      { name: 'payments.sealed', type: 'bytea' },
      { name: 'payout_batch_openings.sealed', type: 'bytea' },
      { name: 'payout_batch_parts.sealed', type: 'bytea' },
      { name: 'vault_tokens.sealed', type: 'bytea' },
      { name: 'webhook_secrets.sealed', type: 'bytea' },
    ])
  })
})
