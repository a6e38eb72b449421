import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import { Fault, type Random } from '@ngome/kernel'
import type pg from 'pg'
import { openSqliteStore } from '../sqlite/open-sqlite-store.ts'
import { storeFileName, type SqliteStore } from '../sqlite/sqlite-store.ts'
import type { Value } from '../store.ts'

/** Rows that are held in memory at once: some hundred kilobytes. */
const rowsPerFetch = 500

type Table = { readonly name: string; readonly columns: readonly string[] }
type Trigger = { readonly name: string; readonly sql: string }

/**
 * Copies all rows of the pair's store, as they are at one moment, into an embedded store, which has the same tables: a
 * backup that a custodian could start on. References are checked when all rows are there.
 * @param client a connection of nobody else; its transaction ends with it
 * @throws Fault `custodian/key_unusable` where a row refers to one that is missing
 */
export async function copyToEmbedded(client: pg.ClientBase, folder: string, random: Random): Promise<SqliteStore> {
  mkdirSync(folder, { mode: 0o700 })
  writeFileSync(join(folder, storeFileName), '', { mode: 0o600, flag: 'wx' })
  const store = openSqliteStore(folder, random)
  try {
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY')
    await fill(store.db, client)
    await client.query('COMMIT')
    return store
  } catch (failure) {
    await store.close()
    throw failure
  }
}

async function fill(db: DatabaseSync, client: pg.ClientBase): Promise<void> {
  // What the triggers watch over are changes; these rows have passed them, in whatever order they come here.
  const triggers = db.prepare(`SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'`).all() as Trigger[]
  db.exec('PRAGMA foreign_keys = OFF; BEGIN IMMEDIATE')
  for (const { name } of triggers) db.exec(`DROP TRIGGER ${name}`)
  for (const table of tablesOf(db)) await copyTable(db, client, table)
  for (const { sql } of triggers) db.exec(sql)
  const lost = db.prepare('PRAGMA foreign_key_check').get()
  if (lost !== undefined) throw new Fault('custodian/key_unusable', `a row of ${String(lost['table'])} refers to none`)
  db.exec('COMMIT; PRAGMA foreign_keys = ON')
}

function tablesOf(db: DatabaseSync): readonly Table[] {
  const names = db.prepare(`SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name`).all().map((row) => String(row['name']))
  return names.map((name) => ({
    name, columns: db.prepare('SELECT name FROM pragma_table_info(?)').all(name).map((row) => String(row['name'])),
  }))
}

/** Names of tables and columns are those of our own migrations. */
async function copyTable(db: DatabaseSync, client: pg.ClientBase, { name, columns }: Table): Promise<void> {
  db.exec(`DELETE FROM ${name}`)
  const insert = db.prepare(`INSERT INTO ${name} (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')})`)
  await client.query(`DECLARE copied NO SCROLL CURSOR FOR SELECT ${columns.join(', ')} FROM ${name}`)
  for (;;) {
    const { rows } = await client.query<Record<string, Value>>(`FETCH ${rowsPerFetch} FROM copied`)
    for (const row of rows) insert.run(...columns.map((column) => row[column] ?? null))
    if (rows.length < rowsPerFetch) break
  }
  await client.query('CLOSE copied')
}
