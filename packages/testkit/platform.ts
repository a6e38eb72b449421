import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Secret } from '@ngome/kernel'
import { openDatabase, type Database } from '@ngome/store'
import { z } from 'zod'
import { freePorts } from './free-ports.ts'
import { MerchantClient } from './merchant-client.ts'
import type { SimulatorMovement } from './mtn-momo-simulator.ts'
import { WatchedChild } from './watched-child.ts'
import { wideLimits } from './wide-limits.ts'

const repository = resolve(import.meta.dirname, '..', '..')
/** From nothing to the greeting: initdb, first keys, five processes, on a busy machine. */
const startMsMax = 90_000
const stopMsMax = 40_000
/** What lived under a launcher that was killed notices that it is gone. */
const orphanMsMax = 20_000

export type PlatformProcess = 'custodian' | 'postgres' | 'simulator' | 'dispatcher' | 'gateway'
export type PlatformPorts = Readonly<Record<
  'gateway' | 'gatewayInternal' | 'custodian' | 'enrolment' | 'dispatcher' | 'simulator' | 'cardSimulator' | 'postgres' | 'receiver', number
>>

const greetingSchema = z.object({
  api: z.string(),
  authority: z.string(),
  merchant: z.string(),
  key: z.object({ id: z.string(), issuedAt: z.string(), text: z.string().nullable() }),
  isolation: z.record(z.string(), z.object({ status: z.enum(['on', 'off']), reason: z.string().optional() })),
})
/** What `ngome up --json` prints when the platform stands. */
export type PlatformGreeting = z.output<typeof greetingSchema>

type Settings = Readonly<Record<string, string>>
export type PlatformOptions = {
  /** Configuration, as environment variables. */
  readonly settings?: Settings
  /** What starts a command as somebody else, such as `setpriv` with its options; whoever that is must own {@link Platform.folder}. */
  readonly as?: readonly string[]
}

/**
 * The whole platform as a user starts it (`ngome up`), in a data folder and on ports of its own. Nothing of it is
 * inside the test's process. It can be stopped, killed and started again and again.
 */
export class Platform {
  readonly folder: string
  readonly ports: PlatformPorts
  readonly #settings: Settings
  readonly #as: readonly string[]
  #launcher: WatchedChild | undefined
  #greeting: PlatformGreeting | undefined
  #key = ''

  private constructor(folder: string, ports: PlatformPorts, { settings = {}, as = [] }: PlatformOptions) {
    this.folder = folder
    this.ports = ports
    this.#settings = settings
    this.#as = as
  }

  /** Makes its folder and finds its ports; nothing runs yet. */
  static async create(options: PlatformOptions = {}): Promise<Platform> {
    const folder = await mkdtemp(join(tmpdir(), 'ngome-platform-'))
    // mkdtemp closes the folder to all others; the processes run as other users where we are root.
    await chmod(folder, 0o711)
    const [gateway = 0, gatewayInternal = 0, custodian = 0, enrolment = 0, dispatcher = 0, simulator = 0, cardSimulator = 0, postgres = 0, receiver = 0] =
      await freePorts(9)
    return new Platform(
      folder, { gateway, gatewayInternal, custodian, enrolment, dispatcher, simulator, cardSimulator, postgres, receiver }, options,
    )
  }

  /** Makes one and starts it; one that does not start is removed. */
  static async start(settings: Settings = {}): Promise<Platform> {
    const platform = await Platform.create({ settings })
    try {
      await platform.up()
    } catch (error) {
      await platform.remove().catch(() => undefined)
      throw error
    }
    return platform
  }

  /**
   * Starts it, again on the same data where it was stopped or killed, and waits until it says where it is.
   * @param settings for this run only
   * @throws Error at once, with what the launcher printed, where the launcher ends
   */
  async up(settings: Settings = {}): Promise<PlatformGreeting> {
    const launcher = new WatchedChild('platform', this.#spawn(['up', '--json'], settings))
    this.#launcher = launcher
    let line = ''
    launcher.process.stdout?.setEncoding('utf8').on('data', (text: string) => { line += text })
    await launcher.until('greeting', () => line.endsWith('\n'), startMsMax)
    const greeting = greetingSchema.parse(JSON.parse(line))
    this.#greeting = greeting
    this.#key = greeting.key.text ?? this.#key
    return greeting
  }

  /** Runs another command of the CLI to its end. */
  async run(...args: readonly string[]): Promise<{ readonly code: number | null; readonly stdout: string; readonly stderr: string }> {
    const command = this.#spawn(args)
    const [stdout, stderr] = [command.stdout, command.stderr].map((stream) => {
      const texts: string[] = []
      stream?.setEncoding('utf8').on('data', (text: string) => texts.push(text))
      return texts
    })
    const [code] = await once(command, 'close') as [number | null]
    return { code, stdout: stdout?.join('') ?? '', stderr: stderr?.join('') ?? '' }
  }

  /** What a command of the operator needs in its environment to find this platform. */
  environment(): NodeJS.ProcessEnv {
    const { PATH, HOME, LANG, NODE_COMPILE_CACHE } = process.env
    const { ports } = this
    return {
      PATH, HOME, LANG, ...(NODE_COMPILE_CACHE === undefined ? {} : { NODE_COMPILE_CACHE }),
      NGOME_DATA: this.dataFolder,
      NGOME_CONFIG: '',
      ...wideLimits,
      NGOME_GATEWAY__PORT: String(ports.gateway),
      NGOME_GATEWAY__INTERNAL_PORT: String(ports.gatewayInternal),
      NGOME_CUSTODIAN__PORT: String(ports.custodian),
      NGOME_CUSTODIAN__ENROLMENT_PORT: String(ports.enrolment),
      NGOME_DISPATCHER__INTERNAL_PORT: String(ports.dispatcher),
      NGOME_SIMULATOR__PORT: String(ports.simulator),
      NGOME_SIMULATOR__CARD_PORT: String(ports.cardSimulator),
      NGOME_DATABASE__PORT: String(ports.postgres),
      NGOME_EGRESS__ALLOW_PRIVATE: [`127.0.0.1:${ports.simulator}`, `127.0.0.1:${ports.receiver}`, `127.0.0.1:${ports.cardSimulator}`].join(','),
      // A simulator that was killed forgets nothing, so its "not found" may be believed soon.
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

  /** What the present launcher, or the last one, has printed, the end of it. */
  get output(): string {
    return this.#launcher?.output ?? ''
  }

  get launcherPid(): number {
    return this.#launcher?.process.pid ?? 0
  }

  client(key: string = this.#key): MerchantClient {
    return new MerchantClient({ port: this.ports.gateway, ca: readFileSync(join(this.dataFolder, 'ca.pem'), 'utf8'), key })
  }

  /** The process ids as the launcher notes them; a name that restarts at this moment is missing, a drained gateway counts too. */
  processes(): readonly { readonly name: PlatformProcess; readonly pid: number }[] {
    const text = readFileSync(join(this.dataFolder, 'launcher', 'processes.json'), 'utf8')
    return JSON.parse(text) as { name: PlatformProcess; pid: number }[]
  }

  /** The process id of a name, the newest where one replaces another. */
  pidOf(name: PlatformProcess): number | undefined {
    return this.processes().findLast((row) => row.name === name)?.pid
  }

  /** Every running process that works on this data, whoever its parent is (Linux). */
  running(): readonly string[] {
    return readdirSync('/proc').filter((entry) => /^[0-9]+$/.test(entry)).flatMap((pid) => {
      const command = readCommand(pid)
      return command.includes(this.folder) ? [`${pid} ${command}`] : []
    })
  }

  /** Resolves with what still runs after the time, or with nothing as soon as nothing does (Linux). */
  async untilNothingRuns(timeoutMs = orphanMsMax): Promise<readonly string[]> {
    for (let waitedMs = 0; waitedMs < timeoutMs && this.running().length > 0; waitedMs += 50) await sleep(50)
    return this.running()
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
    await this.#launcher?.end('SIGKILL', stopMsMax)
  }

  /** Ends it as Ctrl-C does. @returns the launcher's exit code */
  async stop(): Promise<number | null> {
    return await this.#launcher?.end('SIGTERM', stopMsMax) ?? null
  }

  /** Stops, and removes the data. */
  async remove(): Promise<void> {
    try {
      await this.stop()
    } finally {
      if (process.platform === 'linux') await this.untilNothingRuns()
      await rm(this.folder, { recursive: true, force: true })
    }
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
  async movements(): Promise<readonly SimulatorMovement[]> {
    const text = await new Promise<string>((resolve, reject) => {
      request({ host: '127.0.0.1', port: this.ports.simulator, path: '/simulator/movements', agent: false }, (incoming) => {
        const chunks: Buffer[] = []
        incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
        incoming.on('error', reject)
        incoming.on('end', () => resolve(Buffer.concat(chunks).toString('utf8')))
      }).on('error', reject).end()
    })
    return (JSON.parse(text) as { movements: readonly SimulatorMovement[] }).movements
  }

  #spawn(args: readonly string[], settings: Settings = {}): ChildProcess {
    const [file = process.execPath, ...rest] = [
      ...this.#as, process.execPath, '--disable-warning=ExperimentalWarning', join(repository, 'cli', 'main.ts'), ...args,
    ]
    const env = { ...this.environment(), ...settings }
    return spawn(file, rest, { cwd: repository, env, stdio: ['ignore', 'pipe', 'pipe'] })
  }
}

function readCommand(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')
  } catch {
    return ''
  }
}
