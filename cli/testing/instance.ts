import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePorts, MerchantClient } from '@ngome/testkit'
import { z } from 'zod'

const root = resolve(import.meta.dirname, '..', '..')

const greetingSchema = z.object({
  api: z.string(),
  authority: z.string(),
  merchant: z.string(),
  key: z.object({ id: z.string(), issuedAt: z.string(), text: z.string().nullable() }),
  isolation: z.record(z.string(), z.object({ status: z.enum(['on', 'off']), reason: z.string().optional() })),
})
export type Greeting = z.output<typeof greetingSchema>

/** A machine under load starts slowly; what takes longer hangs. */
const startMsMax = 90_000

/** A data folder and ports of its own, on which `ngome up` can be started again and again. */
export class Instance {
  readonly dataDir: string
  readonly port: number
  readonly env: Readonly<Record<string, string>>
  /** What `setpriv` needs before the command to run as somebody else. */
  readonly as: readonly string[]
  #launcher: ChildProcess | undefined
  #stderr = ''

  private constructor(dataDir: string, env: Readonly<Record<string, string>>, port: number, as: readonly string[]) {
    this.dataDir = dataDir
    this.env = env
    this.port = port
    this.as = as
  }

  static async make(as: readonly string[] = [], dataDir = mkdtempSync(join(tmpdir(), 'ngome-cli-'))): Promise<Instance> {
    const [gateway, internal, custodian, enrolment, dispatcher, simulator, database] = await freePorts(7)
    return new Instance(dataDir, {
      PATH: process.env['PATH'] ?? '',
      NGOME_DATA: dataDir,
      NGOME_CONFIG: '',
      NGOME_GATEWAY__PORT: String(gateway),
      NGOME_GATEWAY__INTERNAL_PORT: String(internal),
      NGOME_CUSTODIAN__PORT: String(custodian),
      NGOME_CUSTODIAN__ENROLMENT_PORT: String(enrolment),
      NGOME_DISPATCHER__INTERNAL_PORT: String(dispatcher),
      NGOME_SIMULATOR__PORT: String(simulator),
      NGOME_DATABASE__PORT: String(database),
      // A simulator that was killed forgets nothing, so its "not found" may be believed soon.
      NGOME_NETWORKS__MTN_SANDBOX__ENQUIRY_INTERVAL_S: '1',
      NGOME_NETWORKS__MTN_SANDBOX__SETTLE_AFTER_S: '2',
    }, Number(gateway), as)
  }

  /** Starts the platform and waits until it says where it is. */
  async up(env: Readonly<Record<string, string>> = {}): Promise<Greeting> {
    const launcher = this.#spawn(['up', '--json'], env)
    this.#launcher = launcher
    this.#stderr = ''
    launcher.stderr?.setEncoding('utf8').on('data', (text: string) => { this.#stderr += text })
    let stdout = ''
    launcher.stdout?.setEncoding('utf8').on('data', (text: string) => { stdout += text })
    for (let waitedMs = 0; waitedMs < startMsMax; waitedMs += 50) {
      if (stdout.endsWith('\n')) return greetingSchema.parse(JSON.parse(stdout))
      if (launcher.exitCode !== null || launcher.signalCode !== null) break
      await sleep(50)
    }
    throw new Error(`the platform did not start:\n${this.#stderr}`)
  }

  /** What the launcher has told so far. */
  get told(): string {
    return this.#stderr
  }

  get launcherPid(): number {
    return this.#launcher?.pid ?? 0
  }

  /** Sends the launcher a signal and waits for its end. */
  async end(signal: NodeJS.Signals): Promise<number | null> {
    const launcher = this.#launcher
    if (launcher === undefined || launcher.exitCode !== null || launcher.signalCode !== null) return launcher?.exitCode ?? null
    const ended = once(launcher, 'exit') as Promise<[number | null]>
    launcher.kill(signal)
    return (await ended)[0]
  }

  /** Runs another command of the CLI to its end. */
  async run(...args: readonly string[]): Promise<{ readonly code: number | null; readonly stdout: string; readonly stderr: string }> {
    const command = this.#spawn(args, {})
    let stdout = ''
    let stderr = ''
    command.stdout?.setEncoding('utf8').on('data', (text: string) => { stdout += text })
    command.stderr?.setEncoding('utf8').on('data', (text: string) => { stderr += text })
    const [code] = await once(command, 'close') as [number | null]
    return { code, stdout, stderr }
  }

  client(greeting: Greeting, key: string): MerchantClient {
    return new MerchantClient({ port: this.port, ca: readFileSync(greeting.authority, 'utf8'), key })
  }

  /** The process id of a child, as the launcher noted it; the newest where one replaces another. */
  pidOf(name: string): number | undefined {
    const rows = JSON.parse(readFileSync(join(this.dataDir, 'launcher', 'processes.json'), 'utf8')) as { name: string; pid: number }[]
    return rows.findLast((row) => row.name === name)?.pid
  }

  /** Every running process that works on this data folder, whoever its parent is (Linux). */
  running(): readonly string[] {
    return readdirSync('/proc').filter((entry) => /^[0-9]+$/.test(entry)).flatMap((pid) => {
      const command = readCommand(pid)
      return command.includes(this.dataDir) ? [`${pid} ${command}`] : []
    })
  }

  /** Resolves with what still runs after the time, or with nothing as soon as nothing does. */
  async untilNothingRuns(timeoutMs: number): Promise<readonly string[]> {
    for (let waitedMs = 0; waitedMs < timeoutMs && this.running().length > 0; waitedMs += 50) await sleep(50)
    return this.running()
  }

  async remove(): Promise<void> {
    await this.end('SIGKILL')
    await this.untilNothingRuns(20_000)
    rmSync(this.dataDir, { recursive: true, force: true })
  }

  #spawn(args: readonly string[], env: Readonly<Record<string, string>>): ChildProcess {
    const [file = process.execPath, ...rest] = [
      ...this.as, process.execPath, '--disable-warning=ExperimentalWarning', join(root, 'cli', 'main.ts'), ...args,
    ]
    return spawn(file, rest, { env: { ...this.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] })
  }
}

function readCommand(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')
  } catch {
    return ''
  }
}
