import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Purse, testDatabase, type TestDatabase } from '@ngome/testkit'
import type { Database } from '../database.ts'

let database: TestDatabase
let dispatcher: Database
let purse: Purse
before(async () => {
  database = await testDatabase()
  dispatcher = database.open('ngome_dispatcher', { poolMax: 1 })
  purse = await Purse.open(database, database.open('ngome_gateway', { poolMax: 1 }), dispatcher)
})
after(() => database.close())

/** Entries of the ledger's indexes that were read so far. */
async function entriesRead(): Promise<number> {
  await dispatcher.pool.query('SELECT pg_stat_force_next_flush()')
  await dispatcher.pool.query('SELECT')
  const [row] = await database.asAdmin(`SELECT sum(idx_tup_read)::int AS n FROM pg_stat_user_indexes WHERE indexrelname IN ('transfers_debited', 'transfers_credited')`)
  return Number(row?.['n'])
}

test('the end of a payment looks for what waits by its key, also in a table that nothing is known of yet', async () => {
  const count = 60
  for (let made = 0; made < count; made++) await purse.move(500n)
  const before = await entriesRead()
  for (let made = 0; made < count; made++) await purse.move(500n)
  const read = await entriesRead() - before
  assert.ok(read < count, `${read} transfers of its accounts were looked at for ${count} ends`)
})
