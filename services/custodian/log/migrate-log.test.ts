import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { ManualClock, systemRandom } from '@ngome/kernel'
import { openPostgresStore } from '../store/postgres/open-postgres-store.ts'
import { openSqliteStore } from '../store/sqlite/open-sqlite-store.ts'
import type { Store } from '../store/store.ts'
import { CustodianServer } from '../testing/custodian-server.ts'
import { appendLog } from './append-log.ts'
import { checkLog } from './check-log.ts'
import { readLog } from './read-log.ts'

const refused = { code: 'custodian/start_refused' }
const migration = (path: string): string => readFileSync(new URL(`../store/${path}.sql`, import.meta.url), 'utf8')
const sequences = Array.from({ length: 70 }, (_, at) => at + 1)

/** Rows as they lay there when the log was a chain; both databases read this. */
function chain(rows: readonly number[], bytes: string): string {
  return rows.map((at) => `INSERT INTO log (sequence, at_ms, caller, operation, outcome, reason, subject, previous, hash)
    VALUES (${at}, ${1_800_000_000_000 + at}, 'dispatcher/0${at}', '/v1/open', '${at % 3 === 0 ? 'refused' : 'allowed'}', '', 'row ${at}', ${bytes}, ${bytes});`).join('\n')
}

async function assertMoved(store: Store): Promise<void> {
  const before = await checkLog(store)
  assert.deepEqual([before.ok, before.ok && before.rows], [true, sequences.length])
  const [first, , third] = await readLog(store, { after: 0, limit: 100 })
  assert.deepEqual({ ...first, nodes: undefined }, {
    sequence: 1, atMs: 1_800_000_000_001, caller: 'dispatcher/01', operation: '/v1/open', outcome: 'allowed', reason: '', subject: 'row 1', nodes: undefined,
  })
  assert.equal(third?.outcome, 'refused')
  const entry = { caller: 'x', operation: 'x', outcome: 'allowed', reason: '', subject: '' } as const
  await store.commits.run((transaction) => appendLog(transaction, new ManualClock(1), [entry, entry]))
  const after = await checkLog(store)
  assert.equal(after.ok && after.rows, sequences.length + 2)
  await assert.rejects(store.commits.run((transaction) => transaction.run('DELETE FROM log')), /only grows/)
}

test('a file from before the tree opens, with every row in the tree', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'ngome-migrate-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'custodian.sqlite')
  writeFileSync(path, '', { mode: 0o600 })
  const old = new DatabaseSync(path)
  for (const name of ['0001-first', '0002-revoked-signers', '0003-staff', '0004-key-life']) old.exec(migration(`sqlite/migrations/${name}`))
  old.exec(`${chain(sequences.filter((at) => at !== 40), `x'00'`)} PRAGMA user_version = 4`)
  old.close()
  assert.throws(() => openSqliteStore(folder, systemRandom), refused, 'a row is missing')
  const again = new DatabaseSync(path)
  again.exec(chain([40], `x'00'`))
  again.close()
  const store = openSqliteStore(folder, systemRandom)
  await assertMoved(store)
  await store.close()
})

test('a pair\'s database from before the tree opens, with every row in the tree', async (t) => {
  const server = await CustodianServer.start()
  t.after(() => server.stop())
  const database = await server.database()
  const name = database.url.expose((url) => new URL(url).pathname.slice(1))
  const asCustodian = (sql: string) => server.asAdmin(`SET ROLE custodian; ${sql}`, name)
  await asCustodian(`CREATE TABLE schema_version (version BIGINT NOT NULL -- internal
    ); ${migration('postgres/migrations/0001-first')} ${migration('postgres/migrations/0002-key-life')} INSERT INTO schema_version VALUES (2);
    ${chain(sequences.filter((at) => at !== 40), `'\\x00'::BYTEA`)}`)
  await assert.rejects(openPostgresStore(database, systemRandom), refused, 'a row is missing')
  await asCustodian(chain([40], `'\\x00'::BYTEA`))
  const store = await openPostgresStore(database, systemRandom)
  await assertMoved(store)
  await store.close()
})
