import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { Fault, type Random } from '@ngome/kernel'
import { logNodesFunction } from '../../log/log-nodes-function.ts'
import { assertPrivateFile, createPrivateFile } from '../private-file.ts'
import { SqliteStore, storeFileName } from './sqlite-store.ts'

/** In order; a file is never edited once released, only followed by the next. */
const migrations = [
  '0001-first.sql', '0002-revoked-signers.sql', '0003-staff.sql', '0004-key-life.sql', '0005-merkle-log.sql',
  '0006-secret-versions.sql', '0007-authorities.sql', '0008-index-chains.sql', '0010-api-key-ends.sql', '0011-own-keys.sql',
] as const
/** A start waits this long for the last process to let go of the file, then refuses. */
const lockWaitMs = 2_000
/** Others could put another file in the place of ours. */
const othersMayWriteBits = 0o022

/**
 * Opens the store, creating or migrating it as needed.
 * @throws Fault `custodian/start_refused` where the folder or file is open to others, in use by another process,
 * damaged, or written by a later version
 */
export function openSqliteStore(folder: string, random: Random): SqliteStore {
  const path = join(folder, storeFileName)
  assertFolder(folder)
  // SQLite gives its side files the mode of the main file, so the mode must be right before SQLite sees it.
  if (!existsSync(path)) createPrivateFile(path, new Uint8Array(), random)
  assertPrivateFile(path)
  const db = new DatabaseSync(path, { timeout: lockWaitMs, enableForeignKeyConstraints: true, defensive: true })
  try {
    prepare(db)
    migrate(db)
  } catch (cause) {
    db.close()
    if (cause instanceof Fault) throw cause
    throw new Fault('custodian/start_refused', `${path} is in use, damaged or not a store`, { cause })
  }
  return new SqliteStore(db, (other) => openSqliteStore(other, random))
}

function assertFolder(folder: string): void {
  const { mode } = statSync(folder)
  if ((mode & othersMayWriteBits) !== 0) {
    throw new Fault('custodian/start_refused', `others may write in ${folder}`)
  }
}

function prepare(db: DatabaseSync): void {
  // EXCLUSIVE, before the first read: a second custodian on the same file must not start. FULL: a commit that we
  // answered for must survive a power cut. Deleted keys are overwritten.
  db.exec(`
    PRAGMA locking_mode = EXCLUSIVE;
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL;
    PRAGMA trusted_schema = OFF;
    PRAGMA secure_delete = ON;
    BEGIN IMMEDIATE; COMMIT;
  `)
  assertSound(db)
}

/**
 * Looks at the structure of every table but the log, which grows for ever: a start would take longer each year. Its rows
 * are checked by their hashes (log/check-log.ts), the last ones before anything is answered.
 */
function assertSound(db: DatabaseSync): void {
  const tables = db.prepare(`SELECT name FROM sqlite_schema WHERE type = 'table' AND name <> 'log'`).all()
  for (const { name } of tables) {
    const check = db.prepare(`PRAGMA quick_check("${String(name)}")`).get()?.['quick_check']
    if (check !== 'ok') throw new Fault('custodian/start_refused', `the store is damaged: ${String(check)}`)
  }
}

function migrate(db: DatabaseSync): void {
  const version = Number(db.prepare('PRAGMA user_version').get()?.['user_version'])
  if (version > migrations.length) {
    throw new Fault('custodian/start_refused', `the store has version ${version}, later than this program`)
  }
  db.function('log_nodes', { varargs: true }, logNodesFunction())
  const missing = migrations.slice(version).map((name) => readFileSync(new URL(`migrations/${name}`, import.meta.url), 'utf8'))
  if (missing.length === 0) return
  // One transaction: all that was missing is there whole, with its number, or nothing. One for each would wait for the disk
  // as often.
  db.exec(`BEGIN IMMEDIATE;\n${missing.join('\n')}\nPRAGMA user_version = ${migrations.length};\nCOMMIT;`)
}
