import { utf8 } from '../bytes.ts'
import type { Runtime } from '../runtime.ts'
import type { Transport, TransportAnswer, TransportRequest } from '../transport.ts'

type Timer = { readonly atMs: number; readonly work: () => void }

/** A runtime whose time moves only when a test moves it, and whose other side is a script. */
export class VirtualRuntime implements Runtime {
  readonly warnings: string[] = []
  readonly requests: (TransportRequest & { readonly atMs: number })[] = []
  readonly userAgent = 'virtual'
  isBrowser = false
  dice = 0.5
  variables: Readonly<Record<string, string>> = {}
  /** What the other side does; by default it answers `{}`. */
  answer: (request: TransportRequest, count: number) => TransportAnswer | Promise<TransportAnswer> = () => answerOf(200, {})
  #nowMs = 0
  #uuids = 0
  readonly #timers = new Set<Timer>()

  readonly nowMs = (): number => 1_800_000_000_000 + this.#nowMs
  readonly elapsedMs = (): number => this.#nowMs
  readonly random = (): number => this.dice
  readonly uuid = (): string => `uuid-${++this.#uuids}`
  readonly environment = (name: string): string | undefined => this.variables[name]
  readonly warn = (message: string): void => { this.warnings.push(message) }
  readonly transport = (): Transport => ({
    send: async (request) => {
      this.requests.push({ ...request, atMs: this.#nowMs })
      return this.answer(request, this.requests.length)
    },
    close: () => undefined,
  })

  readonly after = (ms: number, work: () => void): (() => void) => {
    const timer: Timer = { atMs: this.#nowMs + ms, work }
    this.#timers.add(timer)
    return () => this.#timers.delete(timer)
  }

  get timersLeft(): number {
    return this.#timers.size
  }

  /** Lets time pass, timer by timer, and what follows from each. */
  async pass(ms: number): Promise<void> {
    const untilMs = this.#nowMs + ms
    for (;;) {
      await settled()
      const [next] = [...this.#timers].filter(({ atMs }) => atMs <= untilMs).toSorted((a, b) => a.atMs - b.atMs)
      if (next === undefined) break
      this.#timers.delete(next)
      this.#nowMs = Math.max(this.#nowMs, next.atMs)
      next.work()
    }
    this.#nowMs = untilMs
  }
}

/** Lets every promise that can go on do so. */
export async function settled(): Promise<void> {
  // Each turn of the event loop runs all promises that are ready; an attempt takes a few where it signs.
  for (let turn = 0; turn < 2; turn++) await new Promise((resolve) => { setImmediate(resolve) })
}

export function answerOf(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): TransportAnswer {
  const all: Readonly<Record<string, string>> = { 'content-type': status < 400 ? 'application/json' : 'application/problem+json', ...headers }
  return { status, header: (name) => all[name], body: utf8(body === undefined ? '' : JSON.stringify(body)) }
}

/** What the gateway says to a request that it refuses. */
export function problemOf(status: number, code: string, headers: Readonly<Record<string, string>> = {}): TransportAnswer {
  return answerOf(status, { type: `urn:ngome:fault:${code}`, title: 'No.', status, code, request_id: 'req_1' }, headers)
}
