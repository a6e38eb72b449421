import type { ChildProcess } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'

const outputCharactersMax = 20_000
const pollMs = 20
/** How long the last words of a child that has ended may take to arrive. */
const restMsMax = 1_000

/** A child process under test: what it said, and waits that end as soon as it does. */
export class WatchedChild {
  readonly name: string
  readonly process: ChildProcess
  /** The exit code, `null` after a signal or where the child could not be started. */
  readonly exited: Promise<number | null>
  readonly #closed: Promise<void>
  #ended: string | undefined
  #output = ''

  constructor(name: string, process: ChildProcess) {
    this.name = name
    this.process = process
    for (const stream of [process.stdout, process.stderr]) {
      stream?.on('data', (chunk: Buffer) => { this.#output = (this.#output + chunk.toString()).slice(-outputCharactersMax) })
    }
    this.#closed = new Promise((resolve) => process.once('close', () => resolve()))
    this.exited = new Promise((resolve) => {
      process.once('exit', (code, signal) => {
        this.#ended = `ended with ${signal ?? String(code)}`
        resolve(code)
      })
      process.on('error', (error) => {
        if (process.pid !== undefined) return
        this.#ended = `could not be started (${error.message})`
        resolve(null)
      })
    })
  }

  /** What it printed, the end of it; for the message of a test that fails. */
  get output(): string {
    return this.#output
  }

  get isRunning(): boolean {
    return this.#ended === undefined
  }

  /**
   * Waits until `isSo` says yes; one that throws has said no. A child that ends first, as one whose port is taken, fails
   * the wait at once.
   * @param what what is waited for, for the message
   * @throws Error with the child's output, the last throw of `isSo` as its cause
   */
  async until(what: string, isSo: () => unknown, timeoutMs: number): Promise<void> {
    const untilMs = performance.now() + timeoutMs
    let cause: unknown
    for (;;) {
      try {
        const answer = await Promise.race([Promise.resolve().then(isSo), this.exited.then(() => false)])
        if (answer === true) return
      } catch (error) {
        cause = error
      }
      if (!this.isRunning || performance.now() > untilMs) break
      await sleep(pollMs)
    }
    if (!this.isRunning) await this.#lastWords()
    throw new Error(`no ${what}: the ${this.name} ${this.#ended ?? `took more than ${timeoutMs / 1000} s`}\n${this.#output}`, { cause })
  }

  /**
   * Sends a signal where it still runs, and waits for the end.
   * @returns the exit code
   * @throws Error with the child's output where it does not end in time; it is killed then
   */
  async end(signal: NodeJS.Signals, timeoutMs: number): Promise<number | null> {
    if (!this.isRunning) return this.exited
    this.process.kill(signal)
    const over = new AbortController()
    const hung = sleep(timeoutMs, 'hung' as const, { signal: over.signal }).catch(() => null)
    const code = await Promise.race([this.exited, hung])
    over.abort()
    if (code === 'hung') {
      this.process.kill('SIGKILL')
      throw new Error(`the ${this.name} did not end in ${timeoutMs / 1000} s after ${signal}\n${this.#output}`)
    }
    await this.#lastWords()
    return code
  }

  async #lastWords(): Promise<void> {
    const over = new AbortController()
    await Promise.race([this.#closed, sleep(restMsMax, undefined, { signal: over.signal }).catch(() => undefined)])
    over.abort()
  }
}
