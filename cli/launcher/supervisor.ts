import { Fault, type Clock } from '@ngome/kernel'
import { describeExit, type Child, type Exit } from './child.ts'

/** A process that dies at once is started again soon, then ever later: the cause rarely goes away by haste. */
export const restart = { firstMs: 200, longestMs: 10_000, aliveResetMs: 30_000 } as const

/** What a replaced process may take for the requests that it still holds; above the gateway's own bound of 30 s. */
const drainMsMax = 35_000

export type SupervisorOptions = {
  readonly name: string
  /** Starts one run, with a fresh enrolment token. */
  readonly start: () => Child
  /** Called for each run that has become ready; an older one is told to drain after that. */
  readonly onReady?: (child: Child) => Promise<void>
  readonly clock: Clock
  readonly tell: (text: string) => void
}

/** Keeps one process running: starts it again when it dies, replaces it without a gap, stops it. */
export class Supervisor {
  readonly #options: SupervisorOptions
  /** Every run that has not exited: the present one, one that drains, one that starts. */
  readonly #runs = new Set<Child>()
  #current: Child | undefined
  #isStopping = false
  #delayMs: number = restart.firstMs
  #timer: NodeJS.Timeout | undefined
  /** Starts happen one after the other: a restart and a replacement at once would leave a run that nobody knows. */
  #turn: Promise<unknown> = Promise.resolve()

  constructor(options: SupervisorOptions) {
    this.#options = options
  }

  /** The run that is ready and not replaced; none while it is started again. */
  get current(): Child | undefined {
    return this.#current
  }

  /** The first start; it fails rather than trying again, so that a wrong configuration is said at once. */
  start(): Promise<void> {
    return this.#inTurn(() => this.#startOne())
  }

  /**
   * Starts a successor, waits for its `ready`, and only then lets the present one drain and end. Where the successor
   * does not become ready, the present one stays.
   * @returns whether it was replaced
   */
  replace(): Promise<boolean> {
    return this.#inTurn(async () => {
      const former = this.#current
      // One that is dead is not replaced: its restart brings a fresh one anyway.
      if (former === undefined || this.#isStopping) return false
      try {
        await this.#startOne()
      } catch (error) {
        this.#options.tell(`${this.#options.name} was not replaced, the running one stays: ${messageOf(error)}`)
        return false
      }
      await former.stop(drainMsMax)
      return true
    })
  }

  /** Ends all runs: the present one drains first, for at most `drainMs`; what SIGTERM does not end is killed. */
  async stop(drainMs: number, terminateMs?: number): Promise<void> {
    this.#isStopping = true
    clearTimeout(this.#timer)
    const present = this.#current
    for (const run of this.#runs) if (run !== present) run.kill('SIGTERM')
    await present?.stop(drainMs, terminateMs)
    await this.#turn
  }

  /** Ends all runs at once, for a second Ctrl-C. */
  kill(): void {
    this.#isStopping = true
    clearTimeout(this.#timer)
    for (const run of this.#runs) run.kill('SIGKILL')
  }

  async #startOne(): Promise<void> {
    if (this.#isStopping) throw new Fault('launcher/failed', `${this.#options.name} is not started any more`)
    const child = this.#options.start()
    this.#runs.add(child)
    void child.exited.then(() => this.#runs.delete(child))
    try {
      await child.ready
    } catch (error) {
      child.kill('SIGKILL')
      await child.exited
      throw error
    }
    const readyAtMs = this.#options.clock.nowMs()
    this.#current = child
    void child.exited.then((exit) => this.#afterExit(child, exit, readyAtMs))
    // One that dies meanwhile is started again, and has nothing to wait for.
    await Promise.race([this.#options.onReady?.(child), child.exited])
  }

  #afterExit(child: Child, exit: Exit, readyAtMs: number): void {
    // A former run's end after its replacement is what we asked for.
    if (this.#current !== child) return
    this.#current = undefined
    if (this.#isStopping) return
    if (this.#options.clock.nowMs() - readyAtMs >= restart.aliveResetMs) this.#delayMs = restart.firstMs
    this.#options.tell(`${this.#options.name} ended (${describeExit(exit)}); starting it again in ${this.#delayMs} ms`)
    this.#restartLater()
  }

  #restartLater(): void {
    const delayMs = this.#delayMs
    this.#delayMs = Math.min(delayMs * 2, restart.longestMs)
    this.#timer = setTimeout(() => void this.#inTurn(() => this.#restart()), delayMs)
  }

  async #restart(): Promise<void> {
    if (this.#isStopping || this.#current !== undefined) return
    try {
      await this.#startOne()
      this.#options.tell(`${this.#options.name} runs again`)
    } catch (error) {
      if (this.#isStopping) return
      this.#options.tell(messageOf(error))
      this.#restartLater()
    }
  }

  #inTurn<T>(act: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(act)
    this.#turn = done.catch(() => undefined)
    return done
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : 'an unknown failure'
}
