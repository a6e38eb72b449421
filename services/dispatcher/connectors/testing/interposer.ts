import { createServer, request as requestHttp, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

export type CallKind = 'token' | 'request' | 'enquiry' | 'other'

/** What happens to a call between connector and network. Those that forward let the network do its work first. */
export type Manner =
  | { readonly kind: 'answer' | 'forward_and_answer'; readonly status: number; readonly body?: string | Uint8Array; readonly headers?: Readonly<Record<string, string>> }
  | { readonly kind: 'hang' | 'forward_and_hang' | 'cut' | 'forward_and_cut' }
  | { readonly kind: 'forward_late'; readonly delayMs: number }

export type SeenCall = {
  readonly kind: CallKind
  readonly atMs: number
  readonly body: Buffer
  /** What the connector got, where it got a whole answer. */
  answer: { readonly status: number; readonly body: Buffer } | undefined
}

type Rule = { readonly on: CallKind; readonly manner: Manner; left: number }

/**
 * Stands between a connector and its simulator and does what networks between machines do: nothing comes, too much
 * comes, the answer is lost. So that no simulator has to know how, and no connector is spared.
 */
export class Interposer {
  readonly seen: SeenCall[] = []
  readonly #callOf: (method: string, path: string) => CallKind
  readonly #upstreamPort: number
  #server: Server | undefined
  #port = 0
  #rules: Rule[] = []
  readonly #forwarding = new Set<Promise<unknown>>()

  constructor(upstreamPort: number, callOf: (method: string, path: string) => CallKind) {
    this.#upstreamPort = upstreamPort
    this.#callOf = callOf
  }

  get port(): number {
    return this.#port
  }

  /** Listens, again on the port that it had. */
  async open(): Promise<void> {
    const server = createServer({ keepAlive: true }, (incoming, response) => {
      // Who went away is not answered; a test that waits for the answer says so.
      this.#serve(incoming, response).catch(() => { response.destroy() })
    })
    this.#server = server
    await new Promise<void>((resolve) => { server.listen(this.#port, '127.0.0.1', resolve) })
    this.#port = (server.address() as AddressInfo).port
  }

  /** From now on connections are refused. */
  async close(): Promise<void> {
    const server = this.#server
    if (server === undefined) return
    this.#server = undefined
    const closed = new Promise<void>((resolve) => { server.close(() => { resolve() }) })
    server.closeAllConnections()
    await closed
  }

  /** The next so many calls of this kind get this. */
  script(on: CallKind, manner: Manner, times = 1): void {
    this.#rules.push({ on, manner, left: times })
  }

  /** Good manners, and nothing seen. */
  reset(): void {
    this.#rules = []
    this.seen.length = 0
  }

  calls(kind: CallKind): readonly SeenCall[] {
    return this.seen.filter((call) => call.kind === kind)
  }

  /** Resolves when the network has done what it was passed so far, whoever still listens. */
  async forwarded(): Promise<void> {
    await Promise.allSettled(this.#forwarding)
  }

  async #serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const kind = this.#callOf(incoming.method ?? '', incoming.url ?? '')
    const atMs = performance.now()
    const body = await read(incoming)
    const call: SeenCall = { kind, atMs, body, answer: undefined }
    this.seen.push(call)
    const rule = this.#rules.find(({ on, left }) => on === kind && left > 0)
    if (rule !== undefined) rule.left--
    await this.#behave(rule?.manner ?? { kind: 'forward_late', delayMs: 0 }, call, incoming, response)
  }

  async #behave(manner: Manner, call: SeenCall, incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const answered = manner.kind.startsWith('forward') ? await this.#pass(incoming, call.body) : undefined
    switch (manner.kind) {
      case 'answer':
      case 'forward_and_answer':
        response.writeHead(manner.status, { 'content-type': 'application/json', ...manner.headers }).end(manner.body ?? '')
        break
      case 'hang':
      case 'forward_and_hang': break
      case 'cut':
      case 'forward_and_cut':
        response.destroy()
        break
      case 'forward_late':
        if (manner.delayMs > 0) await sleep(manner.delayMs)
        if (answered === undefined) break
        call.answer = answered
        response.writeHead(answered.status, { 'content-type': 'application/json' }).end(answered.body)
        break
      default: manner satisfies never
    }
  }

  async #pass(incoming: IncomingMessage, body: Buffer): Promise<{ readonly status: number; readonly body: Buffer }> {
    const forwarding = this.#forward(incoming, body)
    this.#forwarding.add(forwarding)
    try {
      return await forwarding
    } finally {
      this.#forwarding.delete(forwarding)
    }
  }

  #forward(incoming: IncomingMessage, body: Buffer): Promise<{ readonly status: number; readonly body: Buffer }> {
    const { host: _, connection: __, ...headers } = incoming.headers
    return new Promise((resolve, reject) => {
      const outgoing = requestHttp({
        host: '127.0.0.1', port: this.#upstreamPort, method: incoming.method, path: incoming.url, headers, agent: false,
      }, (answer) => {
        read(answer).then((bytes) => { resolve({ status: answer.statusCode ?? 0, body: bytes }) }, reject)
      })
      outgoing.once('error', reject)
      outgoing.end(body)
    })
  }
}

async function read(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of message) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}
