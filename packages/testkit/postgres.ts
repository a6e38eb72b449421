import { spawn, spawnSync } from 'node:child_process'
import { chmod, mkdir, mkdtemp } from 'node:fs/promises'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { Secret, systemRandom, toBase64Url } from '@ngome/kernel'
import {
  createDatabase, createRoles, databaseRoles, migrate, openDatabase, startEmbeddedPostgres,
  type Connection, type Database, type DatabaseRole, type EmbeddedPostgres, type RunAs,
} from '@ngome/store'
import pg from 'pg'
import { freePorts } from './free-ports.ts'
import { copyOfMade, isKept, keepMade } from './made-server.ts'

/** A database of its own for one test, migrated, with all roles, on a real PostgreSQL. */
export type TestDatabase = {
  readonly name: string
  readonly admin: Connection
  connection(role: DatabaseRole): Connection
  /** Opens a pool, which {@link TestDatabase.close} closes. */
  open(role: DatabaseRole, options?: { readonly poolMax?: number }): Database
  /** Runs SQL as the administrator, whom neither grants nor row-level security bind. */
  asAdmin(sql: string, values?: readonly unknown[]): Promise<readonly Record<string, unknown>[]>
  /** Closes what was opened and drops the database. */
  close(): Promise<void>
}

export type TestServer = {
  readonly postgres: EmbeddedPostgres
  readonly folder: string
  readonly port: number
  readonly passwords: Readonly<Record<DatabaseRole, Secret<string>>>
}

let shared: Promise<TestServer> | undefined
let databases = 0

/** Makes a fresh database on the one server that all tests of this process share. */
export async function testDatabase(): Promise<TestDatabase> {
  const server = await (shared ??= sharedServer())
  const { admin } = server.postgres
  const name = `test_${++databases}`
  await withClient(admin, (client) => createDatabase(client, name, template))
  return describeDatabase(server, name)
}

/**
 * Starts a server that nobody else uses, for tests that kill it. It ends with this process at the latest, and its
 * folder is removed then.
 */
export async function testServer(settings: Readonly<Record<string, string>> = {}): Promise<TestServer> {
  const place = await newPlace()
  const passwords = Object.fromEntries(databaseRoles.map((role) => [role, randomPassword()]))
  return { ...place, passwords: passwords as Record<DatabaseRole, Secret<string>>, postgres: await startTestServer(place, settings) }
}

async function newPlace(): Promise<Pick<TestServer, 'folder' | 'port'>> {
  const folder = await mkdtemp(join(tmpdir(), 'ngome-postgres-'))
  // mkdtemp closes the folder to all others, and PostgreSQL runs as another user where we are root.
  await chmod(folder, 0o711)
  const [port = 0] = await freePorts(1)
  return { folder, port }
}

/** Starts the server of this folder, again where it was stopped or killed. */
export async function startTestServer(
  server: Pick<TestServer, 'folder' | 'port'>,
  settings: Readonly<Record<string, string>> = {},
  onLog?: (line: string) => void,
): Promise<EmbeddedPostgres> {
  await mkdir(server.folder, { recursive: true, mode: 0o711 })
  const runAs = postgresUser()
  const postgres = await startEmbeddedPostgres({
    folder: join(server.folder, 'postgres'),
    port: server.port,
    passwordFile: join(server.folder, 'password'),
    random: systemRandom,
    settings: { shared_buffers: '32MB', ...settings },
    ...(runAs === undefined ? {} : { runAs }),
    ...(onLog === undefined ? {} : { onLog }),
  })
  postgres.unref()
  removeAfter(postgres.pid, process.pid, server.folder)
  return postgres
}

/** Describes a database of a server that is there already, such as after a restart. */
export function describeDatabase(server: TestServer, name: string): TestDatabase {
  const opened: Database[] = []
  const admin = { ...server.postgres.admin, database: name }
  let reader: pg.Pool | undefined
  const connection = (role: DatabaseRole): Connection => ({ ...admin, user: role, password: server.passwords[role] })
  return {
    name,
    admin,
    connection,
    open(role, options = {}) {
      const db = openDatabase({ ...connection(role), applicationName: 'test', poolMax: options.poolMax ?? 8 })
      opened.push(db)
      return db
    },
    asAdmin(sql, values = []) {
      if (!isReading(sql)) return runSql(admin, sql, values)
      reader ??= readerOf(admin)
      return reader.query<Record<string, unknown>>(sql, [...values]).then(({ rows }) => rows)
    },
    async close() {
      await reader?.end()
      await Promise.all(opened.splice(0).filter((db) => !db.pool.ended).map((db) => db.close()))
      await runSql(server.postgres.admin, `DROP DATABASE ${name} WITH (FORCE)`)
    },
  }
}

const template = 'ngome_template'

/** The machine does not lose its power in these tests, and a flush to disk for each commit would slow all of them. */
const sharedSettings = { fsync: 'off', full_page_writes: 'off' }

async function sharedServer(): Promise<TestServer> {
  const made = await copyOfMade(newPlace)
  if (made !== undefined) return { ...made, postgres: await startTestServer(made, sharedSettings) }
  const server = await testServer(sharedSettings)
  await createRoles(server.postgres.admin, template, server.passwords, systemRandom)
  await migrate(describeDatabase(server, template).connection('ngome_migrator'))
  if (!isKept()) return server
  await server.postgres.stop()
  await keepMade(server)
  return { ...server, postgres: await startTestServer(server, sharedSettings) }
}

function randomPassword(): Secret<string> {
  return new Secret(toBase64Url(systemRandom.bytes(24)))
}

/** A statement that leaves nothing on its connection, for the next one to meet. */
function isReading(sql: string): boolean {
  return /^\s*(?:SELECT|WITH)\b/i.test(sql) && !/;|set_config|advisory/i.test(sql)
}

/** Tests look every few milliseconds whether something has come; to connect, with a password, costs more than to look. */
function readerOf(connection: Connection): pg.Pool {
  const pool = new pg.Pool({ ...clientOptions(connection), max: readersMax, allowExitOnIdle: true })
  // Where a test has stopped the server, the next look says so.
  pool.on('error', () => undefined)
  return pool
}

const readersMax = 4

function clientOptions({ host, port, database, user, password }: Connection): pg.ClientConfig {
  return { host, port, database, user, password: password.expose((text) => text) }
}

async function runSql(
  connection: Connection,
  sql: string,
  values: readonly unknown[] = [],
): Promise<readonly Record<string, unknown>[]> {
  return withClient(connection, async (client) => (await client.query<Record<string, unknown>>(sql, [...values])).rows)
}

async function withClient<T>(connection: Connection, use: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client(clientOptions(connection))
  await client.connect()
  try {
    return await use(client)
  } finally {
    await client.end()
  }
}

const systemUser = 'ngome-postgres'

/** PostgreSQL refuses to run as root: where the tests do, they use a system user, and make it where it is missing. */
export function postgresUser(): RunAs | undefined {
  if (userInfo().uid !== 0) return undefined
  if (numericId('-u') === undefined) {
    spawnSync('useradd', ['--system', '--user-group', '--no-create-home', '--shell', '/usr/sbin/nologin', systemUser])
  }
  const [uid, gid] = [numericId('-u'), numericId('-g')]
  if (uid === undefined || gid === undefined) throw new Error(`there is no user ${systemUser}, and none could be made`)
  return { uid, gid, user: systemUser }
}

function numericId(flag: '-u' | '-g'): number | undefined {
  const run = spawnSync('id', [flag, systemUser], { encoding: 'utf8' })
  return run.status === 0 ? Number(run.stdout) : undefined
}

/** A shell that waits for the test and its server to end, however they do, and removes the folder. */
function removeAfter(serverPid: number, testPid: number, folder: string): void {
  const script = 'while kill -0 "$1" 2>/dev/null || kill -0 "$2" 2>/dev/null; do sleep 0.2; done; rm -rf -- "$3"'
  const args = ['-c', script, 'remove-after', String(serverPid), String(testPid), folder]
  spawn('sh', args, { detached: true, stdio: 'ignore' }).unref()
}
