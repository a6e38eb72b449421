import { Agent, request } from 'node:https'
import { Ngome } from '@ngome/sdk'

export type Answer = { readonly status: number; readonly headers: Readonly<Record<string, string | string[] | undefined>>; readonly text: string }

export type MerchantCall = {
  readonly method?: 'GET' | 'POST' | 'DELETE' | 'PUT'
  readonly path: string
  readonly body?: unknown
  /** A body that goes out as it is. */
  readonly text?: string
  readonly idempotencyKey?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly timeoutMs?: number
  /** Sends no key. */
  readonly isBare?: boolean
}

/** Calls the public API as a merchant's server does: HTTPS with the platform's CA, one API key, keep-alive. */
export class MerchantClient {
  readonly #agent: Agent
  readonly #port: number
  readonly #key: string
  readonly #ca: string
  #ngome: Ngome | undefined

  constructor(options: { readonly port: number; readonly ca: string; readonly key: string }) {
    this.#agent = new Agent({ keepAlive: true, ca: options.ca, maxSockets: 32 })
    this.#port = options.port
    this.#key = options.key
    this.#ca = options.ca
  }

  /** The same as a merchant's own program sees it: through the SDK, which repeats nothing here, so that no failure hides. */
  get ngome(): Ngome {
    this.#ngome ??= new Ngome({ apiKey: this.#key, baseUrl: `https://localhost:${this.#port}`, ca: this.#ca, retriesMax: 0 })
    return this.#ngome
  }

  call(call: MerchantCall): Promise<Answer> {
    const body = call.body === undefined ? call.text : JSON.stringify(call.body)
    return new Promise((resolve, reject) => {
      const outgoing = request({
        agent: this.#agent,
        host: '127.0.0.1',
        servername: 'localhost',
        port: this.#port,
        method: call.method ?? 'GET',
        path: call.path,
        timeout: call.timeoutMs ?? 20_000,
        headers: {
          ...(call.isBare === true ? {} : { authorization: `Bearer ${this.#key}` }),
          ...(body === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }),
          ...(call.idempotencyKey === undefined ? {} : { 'idempotency-key': call.idempotencyKey }),
          ...call.headers,
        },
      })
      outgoing.on('timeout', () => outgoing.destroy(new Error(`no answer to ${call.path} in time`)))
      outgoing.on('error', reject)
      outgoing.on('response', (incoming) => {
        const chunks: Buffer[] = []
        incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
        incoming.on('error', reject)
        incoming.on('end', () => resolve({
          status: incoming.statusCode ?? 0,
          headers: incoming.headers,
          text: Buffer.concat(chunks).toString('utf8'),
        }))
      })
      outgoing.end(body)
    })
  }

  close(): void {
    this.#agent.destroy()
    this.#ngome?.close()
  }
}
