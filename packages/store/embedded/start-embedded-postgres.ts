import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, fchownSync, openSync, unlinkSync, writeSync } from 'node:fs'
import { chmod, lchown, mkdir, readFile, rename, stat, writeFile } from 'node:fs/promises'
import { Socket } from 'node:net'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { Fault, Secret, toBase64Url, type Random } from '@ngome/kernel'
import pg from 'pg'
import { clientConfig, type Connection } from '../database.ts'
import { childEnvironment, identity, removeTreeAs, writeFileAs } from './as-user.ts'
import { findBinaries, type Binaries } from './binaries.ts'
import type { RunAs } from './run-as.ts'
import { settleStalePid } from './stale-pid.ts'

export type EmbeddedPostgresOptions = {
  /** Where the data lies. Whoever PostgreSQL runs as must be able to enter the folders above it. */
  readonly folder: string
  readonly port: number
  /** Holds the administrator's password, 0600 and ours; made where it is missing. Not below `folder`. */
  readonly passwordFile: string
  readonly random: Random
  readonly runAs?: RunAs
  /** PostgreSQL's settings besides ours. */
  readonly settings?: Readonly<Record<string, string>>
  /** Gets PostgreSQL's own log, line by line. Statements and their values are not in it. */
  readonly onLog?: (line: string) => void
}

export type EmbeddedPostgres = {
  /** As the administrator, to the database `postgres`. */
  readonly admin: Connection
  readonly pid: number
  /** Settles when the server has ended, whoever ended it. */
  readonly exited: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>
  /** Shuts down in order: open transactions are taken back, all that was committed is on disk. */
  stop(): Promise<void>
  /** Lets this process end without stopping the server, which then ends by itself where the system can do that. */
  unref(): void
}

const startTimeoutMs = 30_000
const readyPollMs = 50
const shutdownTimeoutMs = 20_000
const logTailLines = 30

/** What stands between this server and the machine; everything else is PostgreSQL's default. */
const fixedSettings: Readonly<Record<string, string>> = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  password_encryption: 'scram-sha-256',
  max_connections: '120',
  shared_buffers: '128MB',
  fsync: 'on',
  synchronous_commit: 'on',
  full_page_writes: 'on',
  timezone: 'UTC',
  log_timezone: 'UTC',
  logging_collector: 'off',
  log_destination: 'stderr',
  // A log that quotes statements, or the values that one stumbled over, would be a second copy of the data. Errors go
  // to the client that caused them, and only there; what the server says of itself, and refused logins, are logged.
  log_min_messages: 'log',
  log_statement: 'none',
  log_min_error_statement: 'panic',
  log_min_duration_statement: '-1',
  log_error_verbosity: 'terse',
  log_parameter_max_length: '0',
  log_parameter_max_length_on_error: '0',
}

/**
 * Starts PostgreSQL on this machine, and makes its data folder the first time: SCRAM, data checksums, 127.0.0.1 only,
 * no socket file. On Linux it gets a fast shutdown when the process that started it dies.
 * @throws Fault `launcher/failed` with the last lines of PostgreSQL's log
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const { folder, runAs } = options
  await mkdir(folder, { recursive: true, mode: 0o700 })
  if (runAs !== undefined) await lchown(folder, runAs.uid, runAs.gid)
  await chmod(folder, 0o700)
  const binaries = await findBinaries(`${folder}-binaries`, runAs)
  const password = await ownPassword(options)
  const data = join(folder, 'data')
  await initialise(options, binaries, data, password)
  await settleStalePid(data, shutdownTimeoutMs, runAs)
  const admin: Connection = { host: '127.0.0.1', port: options.port, database: 'postgres', user: 'postgres', password }
  return launch(options, binaries, data, admin)
}

async function ownPassword(options: EmbeddedPostgresOptions): Promise<Secret<string>> {
  try {
    return new Secret((await readFile(options.passwordFile, 'utf8')).trim())
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
  const password = toBase64Url(options.random.bytes(32))
  await writeFile(options.passwordFile, `${password}\n`, { mode: 0o600, flag: 'wx' })
  return new Secret(password)
}

/** Made beside its place and moved there when it is whole, so that a half-made folder is never started. */
async function initialise(
  options: EmbeddedPostgresOptions,
  binaries: Binaries,
  data: string,
  password: Secret<string>,
): Promise<void> {
  if (await stat(join(data, 'PG_VERSION')).then(() => true, () => false)) return
  const { runAs } = options
  const partial = `${data}.partial`
  await removeTreeAs(runAs, partial)
  const copy = runAs === undefined ? undefined : openPasswordCopy(options, password, runAs)
  try {
    const passwordFile = copy === undefined ? options.passwordFile : `/dev/fd/${inheritedFd}`
    const run = spawnSync(binaries.initdb, ['--pgdata', partial, '--username', 'postgres', '--pwfile', passwordFile,
      '--auth', 'scram-sha-256', '--encoding', 'UTF8', '--locale', 'C', '--data-checksums', '--no-instructions'], {
      ...identity(runAs), cwd: options.folder, env: childEnvironment(runAs), encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe', ...(copy === undefined ? [] : [copy])],
    })
    if (run.status !== 0) throw new Fault('launcher/failed', `initdb failed: ${run.stderr || String(run.error)}`)
  } finally {
    if (copy !== undefined) closeSync(copy)
  }
  await writeFileAs(runAs, join(partial, 'pg_hba.conf'), 'host all all 127.0.0.1/32 scram-sha-256\n')
  await rename(partial, data)
}

/** The first after standard input, output and error. */
const inheritedFd = 3

/**
 * A copy of the password that PostgreSQL's user may read, and that has no name: made in our own folder, handed over as a
 * descriptor. In the user's folder, the name could be a link to any file of root's.
 */
function openPasswordCopy(
  { passwordFile, random }: EmbeddedPostgresOptions, password: Secret<string>, { uid, gid }: RunAs,
): number {
  const path = `${passwordFile}.${toBase64Url(random.bytes(8))}`
  const fd = openSync(path, 'wx+', 0o600)
  unlinkSync(path)
  fchownSync(fd, uid, gid)
  // At a position, for the descriptor's own offset to stay at the beginning, where some systems' /dev/fd reads on.
  password.expose((text) => writeSync(fd, text, 0))
  return fd
}

async function launch(
  options: EmbeddedPostgresOptions,
  binaries: Binaries,
  data: string,
  admin: Connection,
): Promise<EmbeddedPostgres> {
  const settings = Object.entries({ ...fixedSettings, ...options.settings, port: String(options.port) })
  const command = [binaries.postgres, '-D', data, ...settings.flatMap(([name, value]) => ['-c', `${name}=${value}`])]
  const [program = '', ...args] = [...dyingWithParent(), ...command]
  const child = spawn(program, args, {
    ...identity(options.runAs),
    cwd: options.folder,
    env: childEnvironment(options.runAs),
    stdio: ['ignore', 'ignore', 'pipe'],
    // A group of its own: Ctrl-C in the terminal reaches the launcher alone, which stops PostgreSQL last.
    detached: true,
  })
  const log = followLog(child, options.onLog)
  const exited = once(child, 'exit').then(([code, signal]) => ({
    code: code as number | null,
    signal: signal as NodeJS.Signals | null,
  }), (error: unknown) => {
    log.push(String(error))
    return { code: null, signal: null }
  })
  const stop = async (): Promise<void> => {
    child.ref()
    child.kill('SIGINT')
    const isDown = await Promise.race([exited.then(() => true), wait(shutdownTimeoutMs, false, { ref: false })])
    if (!isDown) child.kill('SIGQUIT')
    await exited
  }
  if (!await isReady(admin, exited)) {
    await stop()
    throw new Fault('launcher/failed', `PostgreSQL did not start:\n${log.join('\n')}`)
  }
  const unref = (): void => {
    child.unref()
    if (child.stderr instanceof Socket) child.stderr.unref()
  }
  return { admin, pid: child.pid ?? 0, exited, stop, unref }
}

/** Linux sends the signal when the thread that started the child ends; SIGINT is PostgreSQL's fast shutdown. */
function dyingWithParent(): readonly string[] {
  if (process.platform !== 'linux') return []
  const hasSetpriv = spawnSync('setpriv', ['--version'], { stdio: 'ignore' }).status === 0
  return hasSetpriv ? ['setpriv', '--pdeathsig', 'INT', '--no-new-privs', '--'] : []
}

function followLog(child: ChildProcess, onLog: ((line: string) => void) | undefined): string[] {
  const tail: string[] = []
  let rest = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) {
      tail.push(line)
      if (tail.length > logTailLines) tail.shift()
      onLog?.(line)
    }
  })
  return tail
}

async function isReady(admin: Connection, exited: Promise<unknown>): Promise<boolean> {
  const over = new AbortController()
  void exited.then(() => over.abort())
  const triesMax = startTimeoutMs / readyPollMs
  for (let tries = 0; tries < triesMax && !over.signal.aborted; tries++) {
    const client = new pg.Client(clientConfig(admin))
    client.on('error', () => undefined)
    try {
      await client.connect()
      await client.query('SELECT 1')
      return true
    } catch {
      await wait(readyPollMs)
    } finally {
      await client.end().catch(() => undefined)
    }
  }
  return false
}
