import { readFileSync } from 'node:fs'
import { Fault, type Random, type Secret } from '@ngome/kernel'
import pg from 'pg'
import { PostgresStore } from './postgres-store.ts'

/** Where a pair of custodians keeps its store. The server knows them by a certificate of an authority of its own. */
export type CustodianDatabase = {
  /** `postgresql://user@host:port/name`, without a password. */
  readonly url: Secret<string>
  /** The authority that the server's certificate must come from, PEM. */
  readonly authority: Secret<string>
  /** Our certificate there, and its key, PEM. */
  readonly certificate: Secret<string>
  readonly key: Secret<string>
}

/** In order; a file is never edited once released, only followed by the next. */
const migrations = [
  '0001-first.sql', '0002-key-life.sql', '0003-merkle-log.sql', '0004-secret-versions.sql', '0005-authorities.sql',
  '0006-index-chains.sql', '0008-api-key-ends.sql', '0009-own-keys.sql',
] as const
const migrationLock = 6_704_614
/** One for the works, which come one after the other, and a few for reads. */
const connectionsMax = 6
const connectTimeoutMs = 2_000
/** The twin's works come in between ours; past this it holds the lock and does not move. */
const lockTimeoutMs = 4_000
/** A custodian that dies or loses its network amid a work keeps the other waiting no longer than this. */
const idleInTransactionTimeoutMs = 2_000
const statementTimeoutMs = 5_000
/** Past the server's own timeout: only a server or a network that fell silent reaches it. */
const silenceTimeoutMs = 6_000
const defaultPort = 5432

/**
 * Opens the store of a pair, creating or migrating it as needed; of two that start at once, one does.
 * @throws Fault `custodian/start_refused` where the database is away, refuses us, promises no lasting commits, or was
 * written by a later version
 */
export async function openPostgresStore(database: CustodianDatabase, random: Random): Promise<PostgresStore> {
  const pool = new pg.Pool({
    ...clientConfig(database),
    max: connectionsMax,
    connectionTimeoutMillis: connectTimeoutMs,
    lock_timeout: lockTimeoutMs,
    statement_timeout: statementTimeoutMs,
    idle_in_transaction_session_timeout: idleInTransactionTimeoutMs,
    query_timeout: silenceTimeoutMs,
    keepAlive: true,
  })
  // Said of a connection that broke while idle, and of one in use besides its statements; the pool replaces both.
  pool.on('error', () => undefined)
  pool.on('connect', (client) => client.on('error', () => undefined))
  try {
    await assertLasting(pool)
    await migrate(pool)
  } catch (cause) {
    await pool.end()
    if (cause instanceof Fault) throw cause
    throw new Fault('custodian/start_refused', 'the custodian\'s database is away, or does not let us in', { cause })
  }
  return new PostgresStore(pool, random)
}

function clientConfig({ url, authority, certificate, key }: CustodianDatabase): pg.ClientConfig {
  const { hostname, port, pathname, username } = url.expose((text) => new URL(text))
  return {
    host: hostname.replace(/^\[|\]$/g, ''),
    port: port === '' ? defaultPort : Number(port),
    database: pathname.slice(1),
    user: decodeURIComponent(username),
    application_name: 'ngome-custodian',
    // A commit that we answered for must survive a power cut, whatever the server's own default is.
    options: '-c synchronous_commit=on',
    types: { getTypeParser },
    ssl: {
      minVersion: 'TLSv1.3',
      ca: authority.expose((pem) => pem),
      cert: certificate.expose((pem) => pem),
      key: key.expose((pem) => pem),
    },
  }
}

/** No record, no opening: a server that may lose what it has committed keeps no record. */
async function assertLasting(pool: pg.Pool): Promise<void> {
  const { rows } = await pool.query<{ fsync: string; full_page_writes: string }>(
    `SELECT current_setting('fsync') AS fsync, current_setting('full_page_writes') AS full_page_writes`)
  if (rows[0]?.fsync === 'on' && rows[0].full_page_writes === 'on') return
  throw new Fault('custodian/start_refused', 'the custodian\'s database must have fsync and full_page_writes on')
}

async function migrate(pool: pg.Pool): Promise<void> {
  const client = await pool.connect()
  try {
    // One transaction, and one custodian at a time: the schema is there whole, with its number, or not at all.
    await client.query(`BEGIN; SELECT pg_advisory_xact_lock(${migrationLock})`)
    await client.query('CREATE TABLE IF NOT EXISTS schema_version (version BIGINT NOT NULL -- internal\n)')
    const { rows } = await client.query<{ version: number }>('SELECT version FROM schema_version')
    const version = rows[0]?.version ?? 0
    if (version > migrations.length) {
      throw new Fault('custodian/start_refused', `the store has version ${version}, later than this program`)
    }
    for (const name of migrations.slice(version)) {
      await client.query(readFileSync(new URL(`migrations/${name}`, import.meta.url), 'utf8'))
    }
    await client.query('DELETE FROM schema_version')
    await client.query('INSERT INTO schema_version VALUES ($1)', [migrations.length])
    await client.query('COMMIT')
    client.release()
  } catch (failure) {
    client.release(true)
    throw failure
  }
}

const int8Oid = 20

// Times in milliseconds and counts: far below 2^53, where pg's default would be text.
const getTypeParser = ((oid: number, format?: 'text'): unknown =>
  oid === int8Oid ? Number : pg.types.getTypeParser(oid, format)) as typeof pg.types.getTypeParser
