import { Fault, type Secret } from '@ngome/kernel'
import type { QueueName } from '@ngome/contracts'
import { Kysely, PostgresDialect, type PostgresPool } from 'kysely'
import pg from 'pg'
import { jobWaker } from './jobs/wake.ts'
import { preparedPool } from './prepared-pool.ts'
import { storeFault } from './store-fault.ts'
import type { Tables } from './tables.ts'

/** Where a database is and who we are there. */
export type Connection = {
  readonly host: string
  readonly port: number
  readonly database: string
  readonly user: string
  readonly password: Secret<string>
  /** The authority that the server's certificate must come from; without one the connection is not encrypted. */
  readonly tlsAuthority?: string
}

export type DatabaseOptions = Connection & {
  readonly applicationName: string
  readonly poolMax: number
  /** How long a statement may take; 5 s where nothing is said, since somebody waits for the answer. */
  readonly statementMsMax?: number
  /** Called when an idle connection breaks; the pool replaces it by itself. */
  readonly onIdleError?: (error: Error) => void
}

/** An open pool of connections under one role. */
export type Database = {
  readonly connection: Connection
  readonly kysely: Kysely<Tables>
  /** Over the same connections, of which each prepares a statement once: for texts that do not vary with what is asked for. */
  readonly prepared: Kysely<Tables>
  readonly pool: pg.Pool
  /** @throws Fault `store/unavailable` where the database does not answer in time */
  ping(): Promise<void>
  /** Tells the workers of a queue that there is work, without waiting. Only a hint: they also look by themselves. */
  wake(queue: QueueName): void
  close(): Promise<void>
}

/** A database that does not let us in within this is away; the caller answers 503 rather than queue. */
const connectTimeoutMs = 2_000
/** Longer than the lock timeout, so that a wait for a lock ends as one. */
const statementMsDefault = 5_000
/** How long a duplicate waits on its original (design, "Idempotency"). */
export const lockTimeoutMs = 2_000
const idleInTransactionTimeoutMs = 10_000
/** A connection takes its prepared statements with it; to make them anew costs it what some ten payments do. */
const idleTimeoutMs = 60_000
/** Past the server's own timeout by so much: only a server or a network that fell silent reaches it. */
const silenceMs = 1_000

/** Opens a pool. Connections are made when they are needed, so that this never fails for a database that is away. */
export function openDatabase(options: DatabaseOptions): Database {
  const { statementMsMax = statementMsDefault } = options
  const pool = new pg.Pool({
    ...clientConfig(options),
    max: options.poolMax,
    application_name: options.applicationName,
    lock_timeout: lockTimeoutMs,
    statement_timeout: statementMsMax,
    idle_in_transaction_session_timeout: idleInTransactionTimeoutMs,
    idleTimeoutMillis: idleTimeoutMs,
    query_timeout: statementMsMax + silenceMs,
    keepAlive: true,
    pipeline: true,
  })
  pool.on('error', (error) => options.onIdleError?.(error))
  // A connection that breaks while it is in use says so twice: its statements fail, and it emits an event that nobody
  // would hear, which ends the process.
  pool.on('connect', (client) => client.on('error', () => undefined))
  const kysely = kyselyOver(pool)
  const prepared = kyselyOver(preparedPool(pool))
  const waker = jobWaker(pool)
  return {
    connection: options,
    kysely,
    prepared,
    pool,
    wake: (queue) => waker.wake(queue),
    async ping() {
      try {
        await pool.query('SELECT 1')
      } catch (error) {
        throw new Fault('store/unavailable', 'the database does not answer', { cause: storeFault(error) })
      }
    },
    async close() {
      await waker.close()
      await prepared.destroy()
      // Kysely ends the pool only where it was used itself.
      await kysely.destroy()
      if (!pool.ending) await pool.end()
    },
  }
}

function kyselyOver(pool: PostgresPool): Kysely<Tables> {
  return new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) }).withSchema('ngome')
}

/**
 * Opens one connection outside of any pool.
 * @throws Fault `store/unavailable`
 */
export async function openClient(connection: Connection): Promise<pg.Client> {
  const client = new pg.Client(clientConfig(connection))
  client.on('error', () => undefined)
  try {
    await client.connect()
    return client
  } catch (error) {
    await client.end().catch(() => undefined)
    const cause = storeFault(error)
    throw new Fault('store/unavailable', `the database does not let ${connection.user} in`, { cause })
  }
}

/** The configuration of one connection of pg's. */
export function clientConfig(connection: Connection): pg.ClientConfig {
  return {
    host: connection.host,
    port: connection.port,
    database: connection.database,
    user: connection.user,
    // A function, so that the password is in no object that somebody might print.
    password: () => connection.password.expose((password) => password),
    connectionTimeoutMillis: connectTimeoutMs,
    types: { getTypeParser },
    ...(connection.tlsAuthority === undefined ? {} : { ssl: { ca: connection.tlsAuthority, minVersion: 'TLSv1.3' } }),
  }
}

const int8Oid = 20

// Money is int8: a JavaScript number would round it, and pg's default is a string.
const getTypeParser = ((oid: number, format?: 'text'): unknown =>
  oid === int8Oid ? BigInt : pg.types.getTypeParser(oid, format)) as typeof pg.types.getTypeParser
