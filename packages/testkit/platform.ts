import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Secret } from '@ngome/kernel'
import { openDatabase, type Database } from '@ngome/store'
import { freePorts } from './free-ports.ts'
import { MerchantClient } from './merchant-client.ts'
import type { SimulatorCharge } from './mtn-momo-simulator.ts'

const repository = resolve(import.meta.dirname, '..', '..')
/** From nothing to the greeting: initdb, first keys, five processes, on a busy machine. */
const startMsMax = 90_000
const stopMsMax = 40_000
const outputCharactersMax = 20_000

export type PlatformProcess = 'custodian' | 'postgres' | 'simulator' | 'dispatcher' | 'gateway'
export type PlatformPorts = Readonly<Record<
  'gateway' | 'gatewayInternal' | 'custodian' | 'enrolment' | 'dispatcher' | 'simulator' | 'postgres' | 'receiver', number
>>
type Greeting = { readonly api: string; readonly authority: string; readonly merchant: string; readonly key: { readonly text: string | null } }

/**
 * The whole platform as a user starts it (`ngome up`), in a data folder and on ports of its own. Nothing of it is
 * inside the test's process.
 */
export class Platform {
  readonly folder: string
  readonly ports: PlatformPorts
  readonly #settings: Readonly<Record<string, string>>
  #child: ChildProcess | undefined
  #greeting: Greeting | undefined
  #key = ''
  #output = ''

  private constructor(folder: string, ports: PlatformPorts, settings: Readonly<Record<string, string>>) {
    this.folder = folder
    this.ports = ports
    this.#settings = settings
  }

  /** @param settings configuration, as environment variables */
  static async start(settings: Readonly<Record<string, string>> = {}): Promise<Platform> {
    const folder = await mkdtemp(join(tmpdir(), 'ngome-platform-'))
    // mkdtemp closes the folder to all others; the processes run as other users where we are root.
    await chmod(folder, 0o711)
    const [gateway = 0, gatewayInternal = 0, custodian = 0, enrolment = 0, dispatcher = 0, simulator = 0, postgres = 0, receiver = 0] =
      await freePorts(8)
    const platform = new Platform(
      folder, { gateway, gatewayInternal, custodian, enrolment, dispatcher, simulator, postgres, receiver }, settings,
    )
    await platform.startAgain()
    return platform
  }

  /** Starts what was stopped or killed, on the same data. */
  async startAgain(): Promise<void> {
    const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', join(repository, 'cli', 'main.ts'), 'up', '--json'], {
      cwd: repository, env: this.environment(), stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.#child = child
    const keep = (chunk: Buffer): void => { this.#output = (this.#output + chunk.toString()).slice(-outputCharactersMax) }
    child.stderr.on('data', keep)
    let line = ''
    const greeted = new Promise<string>((resolve) => child.stdout.on('data', (chunk: Buffer) => {
      keep(chunk)
      line += chunk.toString()
      if (line.includes('\n')) resolve(line)
    }))
    const over = new AbortController()
    const ended = once(child, 'exit', { signal: over.signal }).then(() => undefined, () => undefined)
    const late = sleep(startMsMax, undefined, { signal: over.signal }).catch(() => undefined)
    const greeting = await Promise.race([greeted, ended, late])
    over.abort()
    if (greeting === undefined) throw new Error(`the platform did not start:\n${this.#output}`)
    this.#greeting = JSON.parse(greeting) as Greeting
    this.#key = this.#greeting.key.text ?? this.#key
  }

  /** What a command of the operator needs in its environment to find this platform. */
  environment(): NodeJS.ProcessEnv {
    const { PATH, HOME, LANG } = process.env
    const { ports } = this
    return {
      PATH, HOME, LANG,
      NGOME_DATA: join(this.folder, 'data'),
      NGOME_GATEWAY__PORT: String(ports.gateway),
      NGOME_GATEWAY__INTERNAL_PORT: String(ports.gatewayInternal),
      NGOME_CUSTODIAN__PORT: String(ports.custodian),
      NGOME_CUSTODIAN__ENROLMENT_PORT: String(ports.enrolment),
      NGOME_DISPATCHER__INTERNAL_PORT: String(ports.dispatcher),
      NGOME_SIMULATOR__PORT: String(ports.simulator),
      NGOME_DATABASE__PORT: String(ports.postgres),
      NGOME_EGRESS__ALLOW_PRIVATE: [`127.0.0.1:${ports.simulator}`, `127.0.0.1:${ports.receiver}`].join(','),
      NGOME_NETWORKS__MTN_SANDBOX__ENQUIRY_INTERVAL_S: '1',
      NGOME_NETWORKS__MTN_SANDBOX__SETTLE_AFTER_S: '2',
      ...this.#settings,
    }
  }

  get dataFolder(): string {
    return join(this.folder, 'data')
  }

  get key(): string {
    return this.#key
  }

  get merchant(): string {
    return this.#greeting?.merchant ?? ''
  }

  /** What the launcher has printed, the end of it; for the message of a test that fails. */
  get output(): string {
    return this.#output
  }

  get launcherPid(): number {
    return this.#child?.pid ?? 0
  }

  client(key: string = this.#key): MerchantClient {
    return new MerchantClient({ port: this.ports.gateway, ca: readFileSync(join(this.dataFolder, 'ca.pem'), 'utf8'), key })
  }

  /** The process ids as the launcher notes them; a name that restarts at this moment is missing, a drained gateway counts too. */
  processes(): readonly { readonly name: PlatformProcess; readonly pid: number }[] {
    const text = readFileSync(join(this.dataFolder, 'launcher', 'processes.json'), 'utf8')
    return JSON.parse(text) as { name: PlatformProcess; pid: number }[]
  }

  /** As a power cut of one process: kill -9. @returns whether it ran */
  kill(name: PlatformProcess): boolean {
    const row = this.processes().find((one) => one.name === name)
    if (row === undefined) return false
    try {
      return process.kill(row.pid, 'SIGKILL')
    } catch {
      return false
    }
  }

  /** As a power cut of the launcher; the others must end by themselves. */
  async killLauncher(): Promise<void> {
    await this.#end('SIGKILL')
  }

  async stop(): Promise<void> {
    await this.#end('SIGTERM')
  }

  /** Stops, and removes the data. */
  async remove(): Promise<void> {
    await this.stop()
    await rm(this.folder, { recursive: true, force: true })
  }

  /** Opens the database as the auditor, who reads everything and changes nothing. */
  auditor(): Database {
    return openDatabase({
      host: '127.0.0.1',
      port: this.ports.postgres,
      database: 'ngome',
      user: 'ngome_auditor',
      password: new Secret(readFileSync(join(this.dataFolder, 'auditor', 'db-password'), 'utf8').trim()),
      applicationName: 'test',
      poolMax: 2,
      onIdleError: () => undefined,
    })
  }

  /** The provider's books. */
  async charges(): Promise<readonly SimulatorCharge[]> {
    const text = await new Promise<string>((resolve, reject) => {
      request({ host: '127.0.0.1', port: this.ports.simulator, path: '/simulator/charges', agent: false }, (incoming) => {
        const chunks: Buffer[] = []
        incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
        incoming.on('error', reject)
        incoming.on('end', () => resolve(Buffer.concat(chunks).toString('utf8')))
      }).on('error', reject).end()
    })
    return (JSON.parse(text) as { charges: readonly SimulatorCharge[] }).charges
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, 'exit')
    child.kill(signal)
    const hung = sleep(stopMsMax, 'hung' as const, { ref: false })
    if (await Promise.race([ended, hung]) === 'hung') {
      child.kill('SIGKILL')
      throw new Error(`the platform did not stop:\n${this.#output}`)
    }
  }
}
