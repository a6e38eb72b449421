import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { queueNames } from '@ngome/contracts'
import { Fault } from '@ngome/kernel'
import type pg from 'pg'
import { openClient, type Connection } from './database.ts'
import { bossFor } from './jobs/boss.ts'
import { queueSettings } from './jobs/queues.ts'

export type Migration = { readonly name: string; readonly sql: string }

/** Any number, the same for all who migrate: they take turns on it. */
const lockKey = 0x6e67_6f6d

/** The migrations that this version of the code ships, in their order. */
export function shippedMigrations(): readonly Migration[] {
  const folder = join(import.meta.dirname, 'migrations')
  return readdirSync(folder).filter((file) => /^[0-9]{4}-[a-z-]+\.sql$/.test(file)).sort()
    .map((file) => ({ name: file.slice(0, -'.sql'.length), sql: readFileSync(join(folder, file), 'utf8') }))
}

/**
 * Brings the database to the state that this version of the code expects: pg-boss's schema and queues, then our own
 * migrations, each in a transaction of its own and only once. A migration that was applied and has changed since is
 * refused. Several may call this at once; they take turns.
 *
 * @param migrator a connection of `ngome_migrator` to the platform's database
 * @returns the names of the migrations that were applied now
 * @throws Fault `store/unavailable`
 */
export async function migrate(
  migrator: Connection,
  migrations: readonly Migration[] = shippedMigrations(),
): Promise<readonly string[]> {
  const client = await openClient(migrator)
  try {
    await client.query('SELECT pg_advisory_lock($1)', [lockKey])
    await client.query('ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC')
    await installBoss(migrator)
    return await applyMissing(client, migrations)
  } finally {
    await client.end()
  }
}

/** Installs pg-boss's schema or brings it up to date, as its owner, so that no process ever needs to. */
async function installBoss(migrator: Connection): Promise<void> {
  const boss = bossFor(migrator, { migrate: true, supervise: false })
  boss.on('error', () => undefined)
  await boss.start()
  try {
    for (const name of queueNames) {
      const settings = { ...queueSettings[name], retryBackoff: true }
      await boss.createQueue(name, settings)
      await boss.updateQueue(name, settings)
    }
  } finally {
    await boss.stop({ graceful: false })
  }
}

async function applyMissing(client: pg.Client, migrations: readonly Migration[]): Promise<readonly string[]> {
  await client.query(`CREATE SCHEMA IF NOT EXISTS migrations`)
  await client.query(`CREATE TABLE IF NOT EXISTS migrations.applied (
    name text PRIMARY KEY, checksum bytea NOT NULL, at timestamptz NOT NULL DEFAULT now())`)
  for (const column of ['name', 'checksum', 'at']) {
    await client.query(`COMMENT ON COLUMN migrations.applied.${column} IS 'class: public'`)
  }
  type Applied = { name: string; checksum: Buffer }
  const applied = await client.query<Applied>('SELECT name, checksum FROM migrations.applied')
  const checksums = new Map(applied.rows.map((row) => [row.name, row.checksum]))
  refuseNewer(migrations, checksums)
  const now: string[] = []
  for (const migration of migrations) {
    const checksum = createHash('sha256').update(migration.sql).digest()
    const before = checksums.get(migration.name)
    if (before === undefined) {
      await applyOne(client, migration, checksum)
      now.push(migration.name)
    } else if (!before.equals(checksum)) {
      throw new Fault('store/schema_refused', `migration ${migration.name} was changed after it was applied: ` +
        'go back to the version that made this database, or start with a new data folder')
    }
  }
  return now
}

/** An older program on a newer database would write rows that the newer one does not expect. */
function refuseNewer(migrations: readonly Migration[], applied: ReadonlyMap<string, unknown>): void {
  const known = new Set(migrations.map(({ name }) => name))
  const unknown = [...applied.keys()].filter((name) => !known.has(name))
  if (unknown.length > 0) {
    throw new Fault('store/schema_refused', `the database has ${unknown.join(', ')}, which this version does not know: ` +
      'start the newer version that made it')
  }
}

async function applyOne(client: pg.Client, migration: Migration, checksum: Buffer): Promise<void> {
  await client.query('BEGIN')
  try {
    await client.query(migration.sql)
    await client.query('INSERT INTO migrations.applied (name, checksum) VALUES ($1, $2)', [migration.name, checksum])
    await client.query('COMMIT')
  } catch (error) {
    await client.query('ROLLBACK')
    throw new Error(`migration ${migration.name} failed`, { cause: error })
  }
}
