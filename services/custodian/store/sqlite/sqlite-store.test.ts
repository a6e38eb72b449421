import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { dataClasses, systemRandom } from '@ngome/kernel'
import { openSqliteStore } from './open-sqlite-store.ts'
import { SqliteStore } from './sqlite-store.ts'

const refused = { code: 'custodian/start_refused' }

function folder(t: { after(fn: () => void): void }): string {
  const path = mkdtempSync(join(tmpdir(), 'ngome-store-'))
  t.after(() => rmSync(path, { recursive: true }))
  return path
}

test('answers only what is on the disk: write-ahead log, synchronous commits, one process', (t) => {
  const store = openSqliteStore(folder(t), systemRandom)
  t.after(() => void store.close())
  const pragma = (name: string) => Object.values(store.db.prepare(`PRAGMA ${name}`).get() ?? {})[0]
  assert.deepEqual(['journal_mode', 'synchronous', 'locking_mode', 'foreign_keys', 'secure_delete', 'trusted_schema'].map(pragma),
    ['wal', 2, 'exclusive', 1, 1, 0])
})

test('the files are 0600', (t) => {
  const path = folder(t)
  const store = openSqliteStore(path, systemRandom)
  t.after(() => void store.close())
  for (const name of readdirSync(path)) assert.equal(statSync(join(path, name)).mode & 0o777, 0o600, name)
  assert.ok(readdirSync(path).includes('custodian.sqlite-wal'))
})

test('refuses a second custodian on the same store', (t) => {
  const path = folder(t)
  const store = openSqliteStore(path, systemRandom)
  t.after(() => void store.close())
  assert.throws(() => openSqliteStore(path, systemRandom), refused)
})

test('refuses a folder where others may write, and a store that others may read', (t) => {
  const path = folder(t)
  openSqliteStore(path, systemRandom).db.close()
  for (const mode of [0o720, 0o702]) {
    chmodSync(path, mode)
    assert.throws(() => openSqliteStore(path, systemRandom), refused)
  }
  chmodSync(path, 0o700)
  chmodSync(join(path, 'custodian.sqlite'), 0o640)
  assert.throws(() => openSqliteStore(path, systemRandom), refused)
})

test('refuses a store of a later version', (t) => {
  const path = folder(t)
  const store = openSqliteStore(path, systemRandom)
  store.db.exec('PRAGMA user_version = 99')
  store.db.close()
  assert.throws(() => openSqliteStore(path, systemRandom), refused)
})

test('refuses a file that is no store, and a store that is damaged', (t) => {
  const path = folder(t)
  const file = join(path, 'custodian.sqlite')
  writeFileSync(file, 'x'.repeat(5_000), { mode: 0o600 })
  assert.throws(() => openSqliteStore(path, systemRandom), refused)
  rmSync(file)
  openSqliteStore(path, systemRandom).db.close()
  truncateSync(file, statSync(file).size - 4_096)
  assert.throws(() => openSqliteStore(path, systemRandom), refused)
})

test('a start looks at the structure of every table but the log', (t) => {
  const path = folder(t)
  const file = join(path, 'custodian.sqlite')
  const damage = (table: string): (() => unknown) => {
    rmSync(file, { force: true })
    const { db } = openSqliteStore(path, systemRandom)
    const page = Number(db.prepare('SELECT rootpage FROM sqlite_schema WHERE name = ?').get(table)?.['rootpage'])
    const pageBytes = Number(db.prepare('PRAGMA page_size').get()?.['page_size'])
    db.close()
    const bytes = readFileSync(file)
    bytes.fill(0xff, (page - 1) * pageBytes, page * pageBytes)
    writeFileSync(file, bytes)
    return () => openSqliteStore(path, systemRandom).db.close()
  }
  for (const table of ['wrapped_keys', 'budgets']) assert.throws(damage(table), refused, table)
  // Its rows are read and hashed before anything is answered, as many as a start has time for.
  assert.doesNotThrow(damage('log'))
})

test('every table is strict, and every column has its class (R28)', (t) => {
  const store = openSqliteStore(folder(t), systemRandom)
  t.after(() => void store.close())
  const tables = store.db.prepare(`SELECT name, sql FROM sqlite_schema WHERE type = 'table'`).all()
  assert.ok(tables.length >= 9)
  for (const { name, sql } of tables) {
    assert.match(String(sql), /\) STRICT/)
    assert.deepEqual(unclassed(store.db, String(name), `${String(sql)}\n${addedTo(String(name))}`), [])
  }
})

test('a column without a class would be noticed', () => {
  const db = new DatabaseSync(':memory:')
  db.exec('CREATE TABLE t (\n a TEXT, -- internal\n b TEXT, -- secret\n c TEXT\n) STRICT')
  const sql = String(db.prepare(`SELECT sql FROM sqlite_schema WHERE name = 't'`).get()?.['sql'])
  assert.deepEqual(unclassed(db, 't', sql), ['b', 'c'])
  db.close()
})

/** SQLite keeps no comment of a column that joined later; its migration does. */
function addedTo(table: string): string {
  const folder = new URL('migrations/', import.meta.url)
  const texts = readdirSync(folder).map((name) => readFileSync(new URL(name, folder), 'utf8'))
  return texts.flatMap((text) => [...text.matchAll(/^ALTER TABLE (\w+) ADD COLUMN (.*)$/gm)])
    .flatMap(([, name, column]) => name === table ? [column] : []).join('\n')
}

function unclassed(db: DatabaseSync, table: string, sql: string): string[] {
  const columns = db.prepare(`PRAGMA table_info(${table})`).all().map((row) => String(row['name']))
  return columns.filter((column) => !new RegExp(`^\\s*${column} .*-- (?:${dataClasses.join('|')})$`, 'm').test(sql))
}

test('the log only grows', (t) => {
  const store = openSqliteStore(folder(t), systemRandom)
  t.after(() => void store.close())
  store.db.exec(`INSERT INTO log VALUES (1, 0, '', '', 'allowed', '', '', x'00')`)
  assert.throws(() => store.db.exec('DELETE FROM log'), /only grows/)
  assert.throws(() => store.db.exec(`UPDATE log SET reason = 'x'`), /only grows/)
})


test('answers everybody with a fault when the commit fails, and goes on', async () => {
  const db = new DatabaseSync(':memory:')
  const { commits } = new SqliteStore(db, () => assert.fail('no backup is asked for'))
  db.exec(`
    PRAGMA foreign_keys = ON;
    CREATE TABLE p (id INTEGER PRIMARY KEY);
    CREATE TABLE c (p INTEGER REFERENCES p DEFERRABLE INITIALLY DEFERRED);
  `)
  const works = ['INSERT INTO p VALUES (1)', 'INSERT INTO c VALUES (7)'].map((sql) => commits.run((transaction) => transaction.run(sql)))
  for (const result of await Promise.allSettled(works)) {
    assert.ok(result.status === 'rejected')
    assert.equal((result.reason as { code: string }).code, 'custodian/unavailable')
  }
  assert.equal(db.prepare('SELECT count(*) AS count FROM p').get()?.['count'], 0)
  await commits.run((transaction) => transaction.run('INSERT INTO p VALUES (2)'))
  db.close()
})

test('a store of before keys had lives is taken over: every key has one, and none is lost', (t) => {
  const path = folder(t)
  const file = join(path, 'custodian.sqlite')
  writeFileSync(file, '', { mode: 0o600 })
  const old = new DatabaseSync(file)
  const migration = (name: string) => readFileSync(new URL(`migrations/${name}`, import.meta.url), 'utf8')
  for (const name of ['0001-first.sql', '0002-revoked-signers.sql', '0003-staff.sql']) old.exec(migration(name))
  old.exec(`
    INSERT INTO tenants VALUES ('mer_1', 'test', 1);
    INSERT INTO merchant_keys VALUES ('mek_1', 'mer_1', 'test', 'payment', 7, x'01', 2);
    INSERT INTO wrapped_keys VALUES ('merchant', 'mek_1', x'02', 3), ('index', 'mer_1/test', x'03', 4);
    PRAGMA user_version = 3;
  `)
  old.close()
  const store = openSqliteStore(path, systemRandom)
  t.after(() => void store.close())
  const rows = (sql: string) => store.db.prepare(sql).all().map((row) => Object.values(row).join())
  assert.deepEqual(rows('SELECT purpose, name, state, due_at_ms FROM key_lives ORDER BY purpose'), ['index,mer_1/test,active,', 'merchant,mek_1,pending,0'])
  assert.deepEqual(rows('SELECT name, root, created_at_ms FROM wrapped_keys ORDER BY name'), ['mek_1,,3', 'mer_1/test,,4'])
  assert.deepEqual(rows('SELECT id, period, generation FROM merchant_keys'), ['mek_1,7,1'])
})
