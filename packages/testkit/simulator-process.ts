import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { compiledBefore } from './compiled-before.ts'
import { WatchedChild } from './watched-child.ts'

export type SimulatorAnswer = { readonly status: number; readonly body: unknown }
export type SimulatorCall = {
  readonly method: string
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: unknown
}

const startMsMax = 30_000
const endMsMax = 20_000
const repository = resolve(import.meta.dirname, '..', '..')

/** Which program, and how its variables begin. */
export type SimulatorProgram = { readonly room: string; readonly prefix: string }

/**
 * A network's simulator as its own process, with the flags that the launcher gives it, on a free port with a folder of
 * its own. `settings` are its environment variables without their common prefix.
 */
export abstract class SimulatorProcess {
  readonly folder: string
  readonly #program: SimulatorProgram
  readonly #settings: Readonly<Record<string, string>>
  #child: WatchedChild | undefined
  #port = 0

  protected constructor(program: SimulatorProgram, folder: string, settings: Readonly<Record<string, string>>) {
    this.#program = program
    this.folder = folder
    this.#settings = settings
  }

  protected static makeFolder(): Promise<string> {
    return mkdtemp(join(tmpdir(), 'ngome-simulator-'))
  }

  get port(): number {
    return this.#port
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`
  }

  /** Starts the process, again on the port that it had. */
  async restart(): Promise<void> {
    const environment = { FOLDER: this.folder, PORT: String(this.#port), ...this.#settings }
    const { flags, env } = compiledBefore()
    const child = spawn(process.execPath, [
      '--permission', '--allow-net', `--allow-fs-read=${repository}`, `--allow-fs-read=${this.folder}`,
      `--allow-fs-write=${this.folder}`, ...flags, '--no-experimental-sqlite', '--disable-warning=ExperimentalWarning',
      ...(this.#settings['CALLBACK_CA'] === undefined ? [] : [`--allow-fs-read=${this.#settings['CALLBACK_CA']}`]),
      join(repository, 'simulators', this.#program.room, 'main.ts'),
    ], {
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      env: { ...env, ...Object.fromEntries(Object.entries(environment).map(([name, value]) => [`${this.#program.prefix}${name}`, value])) },
    })
    this.#child = new WatchedChild(`simulator ${this.#program.room}`, child)
    let port: number | undefined
    child.once('message', (message) => { port = (message as { readonly port: number }).port })
    await this.#child.until('port', () => port !== undefined, startMsMax)
    this.#port = port ?? 0
  }

  /** As a power cut would: nothing is asked, nothing is finished. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL')
  }

  async stop(): Promise<void> {
    await this.#end('SIGTERM')
    await rm(this.folder, { recursive: true, force: true })
  }

  call({ method, path, headers, body }: SimulatorCall): Promise<SimulatorAnswer> {
    const text = body === undefined ? '' : JSON.stringify(body)
    const contentType = body === undefined ? {} : { 'content-type': 'application/json' }
    return new Promise((done, failed) => {
      const outgoing = request(`${this.url}${path}`, {
        method, agent: false, headers: { ...contentType, 'content-length': Buffer.byteLength(text), ...headers },
      }, (incoming) => {
        const chunks: Buffer[] = []
        incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
        incoming.on('error', failed)
        incoming.on('end', () => {
          const answer = Buffer.concat(chunks).toString('utf8')
          done({ status: incoming.statusCode ?? 0, body: answer === '' ? undefined : JSON.parse(answer) as unknown })
        })
      })
      outgoing.on('error', failed)
      outgoing.end(text)
    })
  }

  /** The report that the network's portal would give: CSV of its books as they stand. @param query such as `?country=UG` */
  async report(query = ''): Promise<string> {
    const answer = await fetch(`${this.url}/simulator/report.csv${query}`)
    if (!answer.ok) throw new Error(`the report answered ${answer.status}`)
    return answer.text()
  }

  /** Puts bad manners in force, in place of those before. */
  async script(rules: readonly object[], seed = 1): Promise<void> {
    await this.mustAnswer(200, { method: 'POST', path: '/simulator/script', body: { seed, rules } })
  }

  protected async mustAnswer(status: number, call: SimulatorCall): Promise<unknown> {
    const answer = await this.call(call)
    if (answer.status !== status) throw new Error(`${call.method} ${call.path} answered ${answer.status}: ${JSON.stringify(answer.body)}`)
    return answer.body
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    await this.#child?.end(signal, endMsMax)
  }
}
