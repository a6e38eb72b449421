import { spawn, type ChildProcess } from 'node:child_process'
import { Socket } from 'node:net'
import type { Writable } from 'node:stream'
import { Fault } from '@ngome/kernel'
import { parseProcessMessage, type LauncherMessage, type ProcessMessage } from '@ngome/runtime'
import type { LogFile } from './log-file.ts'

export type ChildCommand = {
  readonly name: string
  readonly argv: readonly [string, ...string[]]
  readonly env: Readonly<Record<string, string>>
  readonly cwd: string
  /** A socket that the process inherits, as descriptor {@link inheritedSocketFd}. */
  readonly socketFd?: number
  /** The ban helper's pipe, which the process inherits as descriptor {@link inheritedBansFd}. */
  readonly bansPipe?: Writable | undefined
  /** The plain socket for challenges, which the process inherits as descriptor {@link inheritedChallengesFd}. */
  readonly challengesFd?: number | undefined
  /** Hears for what the process waits before it is ready, where that is people's to give. */
  readonly onWaiting?: (reason: string) => void
}

/** Behind standard input, output, error and the channel. */
export const inheritedSocketFd = 4
/** Behind the socket. */
export const inheritedBansFd = 5
/** Behind the pipe, or behind where it would be. */
export const inheritedChallengesFd = 6

export type Exit = { readonly code: number | null; readonly signal: NodeJS.Signals | null }

/** How long a process may take from its start to `ready`: certificates, secrets and a database that wakes up. */
export const readyMsMax = 60_000
/** What a process gets between SIGTERM and SIGKILL. */
const terminateMsMax = 10_000

/** Enough to see why; the rest is in the file. */
const toldLinesMax = 5

/** One run of one of our processes, from its start to its exit. */
export class Child {
  readonly name: string
  readonly pid: number
  /** Resolves when the process says that it is ready; rejects when it exits before, or takes too long. */
  readonly ready: Promise<void>
  readonly exited: Promise<Exit>
  readonly #process: ChildProcess
  /** The ban helper's pipe that it inherited. */
  readonly bansPipe: Writable | undefined
  readonly hasChallengesSocket: boolean
  readonly #log: LogFile
  readonly #onWaiting: (reason: string) => void
  #exit: Exit | undefined

  private constructor(process: ChildProcess, pid: number, { name, bansPipe, challengesFd, onWaiting = () => undefined }: ChildCommand, log: LogFile) {
    this.#process = process
    this.pid = pid
    this.name = name
    this.bansPipe = bansPipe
    this.hasChallengesSocket = challengesFd !== undefined
    this.#onWaiting = onWaiting
    this.#log = log
    this.exited = new Promise((resolve) => {
      process.once('exit', (code, signal) => {
        this.#exit = { code, signal }
        resolve(this.#exit)
      })
    })
    for (const stream of [process.stdout, process.stderr]) stream?.on('data', (chunk: Buffer) => log.append(chunk))
    this.ready = this.#untilReady()
    // Whoever waits sees the rejection; where nobody does, the exit is handled by the supervisor.
    this.ready.catch(() => undefined)
  }

  /** @throws Fault `launcher/failed` where the operating system cannot start it */
  static start(command: ChildCommand, log: LogFile): Child {
    const [file, ...args] = command.argv
    const process = spawn(file, args, {
      cwd: command.cwd,
      env: command.env,
      stdio: ['ignore', 'pipe', 'pipe', 'ipc', ...inherited(command)],
      // A group of its own: Ctrl-C in the terminal reaches the launcher alone, which stops all in order.
      detached: true,
    })
    process.on('error', () => undefined)
    if (process.pid === undefined) throw new Fault('launcher/failed', `${command.name} could not be started with ${file}`)
    return new Child(process, process.pid, command, log)
  }

  get isRunning(): boolean {
    return this.#exit === undefined
  }

  /** Sends over the process's channel; a process that is gone has nothing to hear, so a closed channel is no error. */
  send(message: LauncherMessage): void {
    if (this.#process.connected) this.#process.send(message, () => undefined)
  }

  /** Hands it the pipe of a ban helper that was started again; we keep ours for those that start later. */
  sendBansPipe(pipe: Writable): void {
    if (this.#process.connected && pipe instanceof Socket) this.#process.send({ type: 'bans' } satisfies LauncherMessage, pipe, { keepOpen: true }, () => undefined)
  }

  /** Lets the process end in order, then terminates, then kills. */
  async stop(drainMs: number, terminateMs = terminateMsMax): Promise<void> {
    if (drainMs > 0) {
      this.send({ type: 'drain' })
      await this.#said('drained', drainMs)
    }
    this.kill('SIGTERM')
    const timer = setTimeout(() => this.kill('SIGKILL'), terminateMs)
    await this.exited
    clearTimeout(timer)
  }

  kill(signal: NodeJS.Signals): void {
    if (this.isRunning) this.#process.kill(signal)
  }

  /** Resolves when the process has said it, has exited, or the time is over. */
  #said(type: ProcessMessage['type'], timeoutMs: number, onWaiting: (reason: string) => void = () => undefined): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer)
        this.#process.removeListener('message', listen)
        this.#process.removeListener('exit', done)
        resolve()
      }
      const listen = (message: unknown): void => {
        const said = parseProcessMessage(message)
        if (said?.type === type) done()
        // People take the time that they take; when they are done, the process has its own time again.
        if (said?.type === 'waiting') clearTimeout(timer)
        if (said?.type === 'waiting') onWaiting(said.reason)
        if (said?.type === 'starting') timer = setTimeout(done, timeoutMs)
      }
      let timer = setTimeout(done, timeoutMs)
      this.#process.on('message', listen)
      this.#process.once('exit', done)
      if (!this.isRunning) done()
    })
  }

  async #untilReady(): Promise<void> {
    let isReady = false
    this.#process.on('message', (message) => {
      if (parseProcessMessage(message)?.type === 'ready') isReady = true
    })
    await this.#said('ready', readyMsMax, this.#onWaiting)
    if (isReady) return
    const why = this.#exit === undefined
      ? `did not become ready within ${readyMsMax / 1000} s`
      : `ended before it was ready (${describeExit(this.#exit)})`
    const lastLines = this.#log.tail().slice(-toldLinesMax).join('\n')
    throw new Fault('launcher/failed', `the ${this.name} ${why}; its log is ${this.#log.path}, and ends:\n${lastLines}`)
  }
}

function inherited({ socketFd, bansPipe, challengesFd }: ChildCommand): (number | Writable | 'ignore')[] {
  if (socketFd === undefined) return []
  return [socketFd, ...bansPipe === undefined ? [] : [bansPipe], ...challengesFd === undefined ? [] : [...bansPipe === undefined ? ['ignore' as const] : [], challengesFd]]
}

export function describeExit({ code, signal }: Exit): string {
  return signal ?? `exit code ${code ?? 'unknown'}`
}
