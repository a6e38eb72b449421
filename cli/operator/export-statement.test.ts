import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { systemClock, systemRandom } from '@ngome/kernel'
import { statementCamt, statementCsv } from '@ngome/payments'
import { closeLedgerDays } from '@ngome/store'
import { ageLedger, Purse, testDatabase, type TestDatabase } from '@ngome/testkit'
import { exportStatement } from './export-statement.ts'

const entries = 100_000

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void
/** What is really in use: without what nobody refers to any more. */
function inUse(): number {
  collect()
  return process.memoryUsage().heapUsed
}

let database: TestDatabase
let purse: Purse
before(async () => {
  database = await testDatabase()
  await ageLedger(database, 2)
  const db = database.open('ngome_dispatcher', { poolMax: 2 })
  purse = await Purse.open(database, database.open('ngome_gateway', { poolMax: 2 }), db)
  const first = await purse.move(7n)
  // As many again of what one payment left behind, each in a transaction of an era before: through the gateway this would take minutes.
  await database.asAdmin(`SET session_replication_role = replica;
    CREATE TEMP TABLE copies AS SELECT n, 'pay_' || lpad(n::text, 26, '0') AS id FROM generate_series(2, ${entries}) n;
    CREATE TEMP TABLE p AS SELECT * FROM ngome.payments WHERE id = '${first}';
    CREATE TEMP TABLE t AS SELECT * FROM ngome.transfers WHERE payment = '${first}';
    DO $$ DECLARE names text; BEGIN
      SELECT string_agg(CASE attname WHEN 'id' THEN 'c.id' ELSE 'p.' || quote_ident(attname) END, ', ' ORDER BY attnum) INTO names
        FROM pg_attribute WHERE attrelid = 'ngome.payments'::regclass AND attnum > 0 AND NOT attisdropped;
      EXECUTE 'INSERT INTO ngome.payments SELECT ' || names || ' FROM p, copies c';
      INSERT INTO ngome.transfers (merchant, world, payment, kind, phase, debit_account, credit_account, debit_kind, credit_kind, amount_minor,
          currency, at, came_in, era)
        SELECT t.merchant, t.world, c.id, t.kind, t.phase, t.debit_account, t.credit_account, t.debit_kind, t.credit_kind, t.amount_minor, t.currency,
          t.at, c.n::text::xid8, 0 FROM t, copies c;
    END $$; ANALYZE ngome.transfers; ANALYZE ngome.payments`)
  await closeLedgerDays({ db, clock: systemClock, random: systemRandom }, 'UTC')
})
after(() => database.close())

test(`a statement of ${entries} entries is written whole, adds up, and takes no more memory than a few pages`, async () => {
  const [row] = await database.asAdmin("SELECT to_char(max(day), 'YYYY-MM-DD') AS day FROM ngome.closed_days")
  const day = row?.['day'] as string
  const db = database.open('ngome_operator', { poolMax: 1 })
  const before = inUse()
  let [count, most] = [0, 0]
  for await (const piece of exportStatement(db, purse.merchant.tenant, { currency: 'EUR', from: day, to: day }, statementCamt)) {
    count += piece.split('<Ntry>').length - 1
    most = Math.max(most, inUse() - before)
  }
  assert.equal(count, entries)
  // All of it is 70 MB of text.
  assert.ok(most < 40_000_000, `${most} bytes more in use`)
})

test('a day that is not closed has no statement', async () => {
  const db = database.open('ngome_operator', { poolMax: 1 })
  const period = { currency: 'EUR', from: '2026-01-01', to: '2999-01-01' } as const
  await assert.rejects(Array.fromAsync(exportStatement(db, purse.merchant.tenant, period, statementCsv)), { code: 'statements/not_closed' })
})
