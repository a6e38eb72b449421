import { spawn, type ChildProcess } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { Secret } from '@ngome/kernel'
import { compiledBefore, freePorts, WatchedChild, wideLimits, type TestDatabase } from '@ngome/testkit'

const root = resolve(import.meta.dirname, '../../..')
const messageMsMax = 20_000
const endMsMax = 10_000

/** What processes of one platform share. */
export type Platform = {
  readonly folder: string
  readonly ports: { readonly custodian: number; readonly enrolment: number; readonly gateway: number; readonly internal: number }
}

export async function newPlatform(): Promise<Platform> {
  const folder = mkdtempSync(join(tmpdir(), 'ngome-platform-'))
  const [custodian = 0, enrolment = 0, gateway = 0, internal = 0] = await freePorts(4)
  return { folder, ports: { custodian, enrolment, gateway, internal } }
}

export function removePlatform({ folder }: Platform): void {
  rmSync(folder, { recursive: true, force: true })
}

/** A gateway as the launcher starts it: a process of its own under the permission model, with a channel. */
export class GatewayProcess {
  readonly child: ChildProcess
  readonly messages: string[] = []
  readonly #watched: WatchedChild

  constructor(platform: Platform, database: TestDatabase, token: Secret<string>, options: {
    readonly socketFd?: number; readonly env?: Readonly<Record<string, string>>; readonly hasChannel?: boolean
    /** Instead of the launcher's own, for a look with a profiler. */
    readonly flags?: readonly string[]
  } = {}) {
    const own = join(platform.folder, 'gateway')
    mkdirSync(own, { recursive: true })
    const { port, password } = database.connection('ngome_gateway')
    writeFileSync(join(own, 'db-password'), password.expose((text) => text))
    chmodSync(platform.folder, 0o755)
    const compiled = compiledBefore()
    const flags = options.flags ?? [
      '--permission', '--allow-net', `--allow-fs-read=${root}`, `--allow-fs-read=${own}`,
      `--allow-fs-read=${join(platform.folder, 'ca.pem')}`, `--allow-fs-write=${own}`,
      ...compiled.flags, '--no-experimental-sqlite', '--disable-warning=ExperimentalWarning',
    ]
    this.child = spawn(process.execPath, [...flags, join(root, 'services/gateway/main.ts')], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe', options.hasChannel === false ? 'ignore' : 'ipc', ...(options.socketFd === undefined ? [] : [options.socketFd])],
      env: {
        ...compiled.env,
        NGOME_DATA: platform.folder, NGOME_CONFIG: '',
        NGOME_CUSTODIAN__PORT: String(platform.ports.custodian),
        NGOME_CUSTODIAN__ENROLMENT_PORT: String(platform.ports.enrolment),
        NGOME_GATEWAY__PORT: String(platform.ports.gateway),
        NGOME_GATEWAY__INTERNAL_PORT: String(platform.ports.internal),
        NGOME_DATABASE__PORT: String(port), NGOME_DATABASE__NAME: database.name,
        NGOME_ENROLMENT_TOKEN: token.expose((text) => text),
        ...wideLimits,
        ...options.env,
      },
    })
    this.#watched = new WatchedChild('gateway', this.child)
    this.child.on('message', (message) => this.messages.push((message as { type: string }).type))
  }

  get output(): string {
    return this.#watched.output
  }

  get exited(): Promise<number | null> {
    return this.#watched.exited
  }

  /** Waits for a message of its channel; fails at once where it ends without. */
  async until(message: string): Promise<void> {
    await this.#watched.until(`message "${message}"`, () => this.messages.includes(message), messageMsMax)
  }

  /** Waits until `isSo` says yes; fails at once, with its output, where it ends before. */
  async untilSo(what: string, isSo: () => unknown, timeoutMs: number): Promise<void> {
    await this.#watched.until(what, isSo, timeoutMs)
  }

  send(message: object): void {
    this.child.send(message)
  }

  async stop(): Promise<void> {
    await this.#watched.end('SIGKILL', endMsMax)
  }
}
