import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { getCACertificates } from 'node:tls'
import { Fault, Secret, toBase64Url, type Random } from '@ngome/kernel'
import { processFolder, type Config } from '@ngome/runtime'
import {
  createRoles, databaseRoles, migrate, startEmbeddedPostgres,
  type Connection, type DatabaseRole, type EmbeddedPostgres, type RunAs,
} from '@ngome/store'
import type { KnownProcesses } from './known-processes.ts'
import type { LogFile } from './log-file.ts'
import type { Tell } from './progress.ts'
import { restart } from './supervisor.ts'

export type DatabaseServer = {
  readonly admin: Connection
  stop(): Promise<void>
}

export type DatabaseOptions = {
  readonly config: Config
  readonly runAs: RunAs | undefined
  readonly log: LogFile
  readonly known: KnownProcesses
  readonly random: Random
  readonly tell: Tell
}

/** Starts the embedded PostgreSQL and keeps it running, or finds the external one that the configuration names. */
export async function startDatabase(options: DatabaseOptions): Promise<DatabaseServer> {
  const { url } = options.config.database
  if (url !== undefined) {
    return { admin: url.expose((text) => adminOf(new URL(text), options.config)), stop: async () => undefined }
  }
  let isStopping = false
  let server = await startOnce(options)
  const { admin } = server
  // A launcher that goes without stopping it, as after a second Ctrl-C, leaves no server behind.
  const interrupt = (): void => void process.kill(server.pid, 'SIGINT')
  process.once('exit', interrupt)
  const keep = async (): Promise<void> => {
    for (;;) {
      const exit = await server.exited
      options.known.remove(server.pid)
      if (isStopping) return
      options.tell(`PostgreSQL ended (${exit.signal ?? `exit code ${exit.code ?? 'unknown'}`}); starting it again`)
      server = await startAgain(options, () => isStopping) ?? server
      if (isStopping) return
    }
  }
  const kept = keep()
  return {
    admin,
    stop: async () => {
      isStopping = true
      await server.stop()
      await kept
      process.removeListener('exit', interrupt)
    },
  }
}

async function startOnce({ config, runAs, log, known, random }: DatabaseOptions): Promise<EmbeddedPostgres> {
  const server = await startEmbeddedPostgres({
    folder: processFolder(config, 'postgres'),
    port: config.database.port,
    passwordFile: join(processFolder(config, 'launcher'), 'postgres-password'),
    random,
    ...(runAs === undefined ? {} : { runAs }),
    onLog: (line) => log.append(Buffer.from(`${line}\n`)),
  })
  known.add('postgres', server.pid)
  return server
}

async function startAgain(options: DatabaseOptions, isStopping: () => boolean): Promise<EmbeddedPostgres | undefined> {
  for (let delayMs: number = restart.firstMs; !isStopping(); delayMs = Math.min(delayMs * 2, restart.longestMs)) {
    await sleep(delayMs)
    try {
      const server = await startOnce(options)
      if (isStopping()) await server.stop()
      options.tell('PostgreSQL runs again')
      return server
    } catch (error) {
      options.tell(error instanceof Error ? error.message : 'PostgreSQL did not start')
    }
  }
  return undefined
}

/**
 * Brings the database to what this version expects and gives each role a new password, so that one that leaked is worth
 * nothing after the next start. The migrator's exists only here.
 */
export async function prepareDatabase(
  admin: Connection, config: Config, random: Random,
): Promise<Readonly<Record<Exclude<DatabaseRole, 'ngome_migrator'>, Secret<string>>>> {
  const passwords = Object.fromEntries(databaseRoles.map((role) => [role, new Secret(toBase64Url(random.bytes(32)))])) as
    Record<DatabaseRole, Secret<string>>
  await createRoles(admin, config.database.name, passwords, random)
  await migrate({ ...admin, database: config.database.name, user: 'ngome_migrator', password: passwords.ngome_migrator })
  return passwords
}

function adminOf(url: URL, { database }: Config): Connection {
  if (url.username === '') throw new Fault('launcher/failed', 'the database\'s address names no user: postgresql://USER:PASSWORD@…')
  return {
    host: database.host,
    port: database.port,
    database: 'postgres',
    user: decodeURIComponent(url.username),
    password: new Secret(decodeURIComponent(url.password)),
    ...(database.tls ? { tlsAuthority: getCACertificates('default').join('\n') } : {}),
  }
}
