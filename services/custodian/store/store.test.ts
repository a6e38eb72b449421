import assert from 'node:assert/strict'
import {
  chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, truncateSync, writeFileSync,
} from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { dataClasses, Fault, systemRandom } from '@ngome/kernel'
import { CommitQueue } from './commit-queue.ts'
import { openStore } from './open-store.ts'
import { assertPrivateFile, createPrivateFile, readPrivateFile, removeUnfinishedFiles, replacePublicFile } from './private-file.ts'

const refused = { code: 'custodian/start_refused' }

function folder(t: { after(fn: () => void): void }): string {
  const path = mkdtempSync(join(tmpdir(), 'ngome-store-'))
  t.after(() => rmSync(path, { recursive: true }))
  return path
}

test('answers only what is on the disk: write-ahead log, synchronous commits, one process', (t) => {
  const store = openStore(folder(t), systemRandom)
  t.after(() => store.close())
  const pragma = (name: string) => Object.values(store.db.prepare(`PRAGMA ${name}`).get() ?? {})[0]
  assert.deepEqual(['journal_mode', 'synchronous', 'locking_mode', 'foreign_keys', 'secure_delete', 'trusted_schema'].map(pragma),
    ['wal', 2, 'exclusive', 1, 1, 0])
})

test('the files are 0600', (t) => {
  const path = folder(t)
  const store = openStore(path, systemRandom)
  t.after(() => store.close())
  for (const name of readdirSync(path)) assert.equal(statSync(join(path, name)).mode & 0o777, 0o600, name)
  assert.ok(readdirSync(path).includes('custodian.sqlite-wal'))
})

test('refuses a second custodian on the same store', (t) => {
  const path = folder(t)
  const store = openStore(path, systemRandom)
  t.after(() => store.close())
  assert.throws(() => openStore(path, systemRandom), refused)
})

test('refuses a folder where others may write, and a store that others may read', (t) => {
  const path = folder(t)
  openStore(path, systemRandom).close()
  for (const mode of [0o720, 0o702]) {
    chmodSync(path, mode)
    assert.throws(() => openStore(path, systemRandom), refused)
  }
  chmodSync(path, 0o700)
  chmodSync(join(path, 'custodian.sqlite'), 0o640)
  assert.throws(() => openStore(path, systemRandom), refused)
})

test('refuses a store of a later version', (t) => {
  const path = folder(t)
  const store = openStore(path, systemRandom)
  store.db.exec('PRAGMA user_version = 99')
  store.close()
  assert.throws(() => openStore(path, systemRandom), refused)
})

test('refuses a file that is no store, and a store that is damaged', (t) => {
  const path = folder(t)
  const file = join(path, 'custodian.sqlite')
  writeFileSync(file, 'x'.repeat(5_000), { mode: 0o600 })
  assert.throws(() => openStore(path, systemRandom), refused)
  rmSync(file)
  openStore(path, systemRandom).close()
  truncateSync(file, statSync(file).size - 4_096)
  assert.throws(() => openStore(path, systemRandom), refused)
})

test('every table is strict, and every column has its class (R28)', (t) => {
  const store = openStore(folder(t), systemRandom)
  t.after(() => store.close())
  const tables = store.db.prepare(`SELECT name, sql FROM sqlite_schema WHERE type = 'table'`).all()
  assert.ok(tables.length >= 9)
  for (const { name, sql } of tables) {
    assert.match(String(sql), /\) STRICT/)
    assert.deepEqual(unclassed(store.db, String(name), String(sql)), [])
  }
})

test('a column without a class would be noticed', () => {
  const db = new DatabaseSync(':memory:')
  db.exec('CREATE TABLE t (\n a TEXT, -- internal\n b TEXT, -- secret\n c TEXT\n) STRICT')
  const sql = String(db.prepare(`SELECT sql FROM sqlite_schema WHERE name = 't'`).get()?.['sql'])
  assert.deepEqual(unclassed(db, 't', sql), ['b', 'c'])
  db.close()
})

function unclassed(db: DatabaseSync, table: string, sql: string): string[] {
  const columns = db.prepare(`PRAGMA table_info(${table})`).all().map((row) => String(row['name']))
  return columns.filter((column) => !new RegExp(`^\\s*${column} .*-- (?:${dataClasses.join('|')})$`, 'm').test(sql))
}

test('the log only grows', (t) => {
  const store = openStore(folder(t), systemRandom)
  t.after(() => store.close())
  store.db.exec(`INSERT INTO log VALUES (1, 0, '', '', 'allowed', '', '', x'00', x'00')`)
  assert.throws(() => store.db.exec('DELETE FROM log'), /only grows/)
  assert.throws(() => store.db.exec(`UPDATE log SET reason = 'x'`), /only grows/)
})

function queue(): { db: DatabaseSync; commits: CommitQueue } {
  const db = new DatabaseSync(':memory:')
  db.exec('CREATE TABLE t (a INTEGER UNIQUE)')
  return { db, commits: new CommitQueue(db) }
}

const rows = (db: DatabaseSync) => db.prepare('SELECT a FROM t ORDER BY a').all().map((row) => row['a'])

test('works that arrive together share a commit, in order; one that throws loses its own rows only', async () => {
  const { db, commits } = queue()
  const order: number[] = []
  const insert = (a: number, fails = false) => commits.run(() => {
    order.push(a)
    db.prepare('INSERT INTO t VALUES (?)').run(a)
    if (fails) throw new Error('no')
    return a
  })
  const results = await Promise.allSettled([insert(1), insert(2, true), insert(3)])
  assert.deepEqual(results.map(({ status }) => status), ['fulfilled', 'rejected', 'fulfilled'])
  assert.deepEqual(order, [1, 2, 3])
  assert.deepEqual(rows(db), [1, 3])
})

test('answers nobody before the commit, and everybody with a fault when it fails', async () => {
  const { db, commits } = queue()
  db.exec('PRAGMA foreign_keys = ON; CREATE TABLE p (id INTEGER PRIMARY KEY); CREATE TABLE c (p INTEGER REFERENCES p DEFERRABLE INITIALLY DEFERRED)')
  const results = await Promise.allSettled([
    commits.run(() => db.exec('INSERT INTO t VALUES (1)')),
    commits.run(() => db.exec('INSERT INTO c VALUES (7)')),
  ])
  for (const result of results) {
    assert.ok(result.status === 'rejected' && result.reason instanceof Fault)
    assert.equal(result.reason.code, 'custodian/unavailable')
  }
  assert.deepEqual(rows(db), [])
  await commits.run(() => db.exec('INSERT INTO t VALUES (2)'))
  assert.deepEqual(rows(db), [2])
})

test('answers a fault when the store is closed', async () => {
  const { db, commits } = queue()
  db.close()
  await assert.rejects(commits.run(() => 1), { code: 'custodian/unavailable' })
})

test('splits many works over several commits, and refuses more than it can hold', async () => {
  const { db, commits } = queue()
  const all = Array.from({ length: 4_097 }, (_, at) => commits.run(() => db.prepare('INSERT INTO t VALUES (?)').run(at)))
  const results = await Promise.allSettled(all)
  assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 4_096)
  assert.equal(results.at(-1)?.status, 'rejected')
  assert.equal(rows(db).length, 4_096)
})

test('a private file appears whole, once, and is never replaced', (t) => {
  const path = join(folder(t), 'key')
  createPrivateFile(path, Buffer.from('first'), systemRandom)
  createPrivateFile(path, Buffer.from('second'), systemRandom)
  assert.equal(Buffer.from(readPrivateFile(path)).toString(), 'first')
  assert.equal(readdirSync(join(path, '..')).length, 1)
})

test('a private file is not made where its folder is missing or its place is taken by something else', (t) => {
  const path = folder(t)
  assert.throws(() => createPrivateFile(join(path, 'no', 'key'), new Uint8Array(1), systemRandom), /ENOENT/)
  const random = { bytes: (length: number) => new Uint8Array(length) }
  mkdirSync(join(path, `key.${'00'.repeat(8)}.unfinished`))
  assert.throws(() => createPrivateFile(join(path, 'key'), new Uint8Array(1), random), /EEXIST/)
})

test('a name that cannot be linked leaves nothing behind', (t) => {
  const path = folder(t)
  assert.throws(() => createPrivateFile(join(path, 'x'.repeat(250)), new Uint8Array(1), systemRandom), /ENAMETOOLONG/)
  assert.deepEqual(readdirSync(path), [])
})

test('a public file is replaced in one step', (t) => {
  const path = join(folder(t), 'ca.pem')
  replacePublicFile(path, 'one', systemRandom)
  replacePublicFile(path, 'two', systemRandom)
  assert.equal(readFileSync(path, 'utf8'), 'two')
  assert.equal(statSync(path).mode & 0o777, 0o644)
})

test('what a killed start left is removed, and nothing else', (t) => {
  const path = folder(t)
  for (const name of ['root.key', 'root.key.00.unfinished', 'a.unfinished']) writeFileSync(join(path, name), '')
  removeUnfinishedFiles(path)
  assert.deepEqual(readdirSync(path), ['root.key'])
})

test('refuses to read what is missing, a link, a folder, too large, or open to others', (t) => {
  const path = folder(t)
  createPrivateFile(join(path, 'key'), new Uint8Array(4), systemRandom)
  symlinkSync(join(path, 'key'), join(path, 'link'))
  mkdirSync(join(path, 'folder'), { mode: 0o600 })
  createPrivateFile(join(path, 'large'), new Uint8Array(4_097), systemRandom)
  writeFileSync(join(path, 'open'), '', { mode: 0o644 })
  for (const name of ['missing', 'link', 'folder', 'large', 'open']) {
    assert.throws(() => readPrivateFile(join(path, name)), refused, name)
    if (name !== 'large') assert.throws(() => assertPrivateFile(join(path, name)), refused, name)
  }
  assert.ok(existsSync(join(path, 'key')))
})

test('refuses a file of another user', { skip: process.getuid?.() === 0 ? false : 'only root can give a file away' }, (t) => {
  const path = join(folder(t), 'key')
  createPrivateFile(path, new Uint8Array(4), systemRandom)
  chownSync(path, 12_345, 12_345)
  assert.throws(() => readPrivateFile(path), refused)
})
