import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { testDatabase, type TestDatabase } from '@ngome/testkit'
import { migrate, shippedMigrations } from './migrate.ts'

let database: TestDatabase
before(async () => {
  database = await testDatabase()
})
after(() => database.close())

test('a second migration changes nothing', async () => {
  const catalog = (): Promise<unknown> => database.asAdmin(`SELECT
    (SELECT count(*) FROM pg_class) AS relations, (SELECT count(*) FROM pg_policy) AS policies,
    (SELECT json_agg(a ORDER BY name) FROM migrations.applied a) AS applied`)
  const before = await catalog()
  assert.deepEqual(await migrate(database.connection('ngome_migrator')), [])
  assert.deepEqual(await catalog(), before)
})
