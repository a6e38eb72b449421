import { createSecureContext, connect, type TLSSocket } from 'node:tls'

/** One run of load: as many requests as the connections carry in this time, one under way on each. */
export type LoadOrder = {
  readonly port: number
  readonly ca: string
  /** The client's own certificate, where the server asks for one. */
  readonly client?: { readonly key: string; readonly cert: string }
  readonly connections: number
  readonly durationMs: number
  /** The requests' bytes, sent in turns; `{n}` is replaced by a number that never repeats. */
  readonly requests: readonly string[]
  readonly status: number
}
export type LoadReport = {
  readonly answered: number
  readonly failed: number
  /** How often each came instead of an answer: another status (0 is a connection that was closed), or an error's code. */
  readonly failures: Readonly<Record<string, number>>
  readonly seconds: number
  readonly p99Ms: number
}
export type LatencyReport = LoadReport & { readonly p50Ms: number }

let serial = Date.now()
const pools = new Map<number, readonly Connection[]>()

process.on('message', (order: LoadOrder) => void run(order).then((report) => process.send?.(report)))
process.once('disconnect', () => process.exit())

async function run(order: LoadOrder): Promise<LatencyReport> {
  const connections = [...await connected(order)]
  const startedAtMs = performance.now()
  const endsAtMs = startedAtMs + order.durationMs
  const times: number[] = []
  const failures: Record<string, number> = {}
  stayAwake(endsAtMs)
  await Promise.all(connections.map(async (first, at) => {
    let connection = first
    while (performance.now() < endsAtMs) {
      // A server ends a connection after so many requests, and says so with the last answer; a client opens another.
      if (!connection.isOpen) connection = connections[at] = await Connection.open(order.port, contextOf(order))
      const sentAtMs = performance.now()
      const request = order.requests[++serial % order.requests.length] ?? ''
      const status = await connection.exchange(request.replace('{n}', String(serial)))
      if (status === order.status) times.push(performance.now() - sentAtMs)
      else failures[status] = (failures[status] ?? 0) + 1
    }
  }))
  const seconds = (performance.now() - startedAtMs) / 1_000
  pools.set(order.port, connections)
  times.sort((a, b) => a - b)
  const below = (part: number): number => times[Math.floor(times.length * part)] ?? 0
  const failed = Object.values(failures).reduce((sum, count) => sum + count, 0)
  return { answered: times.length, failed, failures, seconds, p50Ms: below(0.5), p99Ms: below(0.99) }
}

/**
 * Looks for answers without ever sleeping: to wake a client on this machine costs whoever answers, the more the slower it is,
 * and clients of a real server sleep elsewhere.
 */
function stayAwake(untilMs: number): void {
  if (performance.now() < untilMs) setImmediate(stayAwake, untilMs)
}

/** Kept between runs, so that no run pays for handshakes; opened anew where the server closed them meanwhile. */
async function connected(order: LoadOrder): Promise<readonly Connection[]> {
  const living = (pools.get(order.port) ?? []).filter((one) => one.isOpen)
  const context = contextOf(order)
  const fresh = Array.from({ length: order.connections - living.length }, () => Connection.open(order.port, context))
  return [...living, ...await Promise.all(fresh)]
}

function contextOf(order: LoadOrder): ReturnType<typeof createSecureContext> {
  return createSecureContext({ ca: order.ca, minVersion: 'TLSv1.3', ...order.client })
}

/** A connection that reads no more of an answer than its status and its length: the cheapest honest client. */
class Connection {
  readonly #socket: TLSSocket
  #received: Buffer = Buffer.alloc(0)
  #done: ((status: number) => void) | undefined
  isOpen = true

  private constructor(socket: TLSSocket) {
    this.#socket = socket
    socket.on('data', (chunk: Buffer) => this.#take(chunk))
    socket.on('error', () => undefined)
    socket.on('close', () => {
      this.isOpen = false
      this.#done?.(0)
    })
  }

  static open(port: number, secureContext: ReturnType<typeof createSecureContext>): Promise<Connection> {
    return new Promise((resolve, reject) => {
      const socket = connect({ host: '127.0.0.1', port, servername: 'localhost', secureContext })
      socket.setNoDelay(true)
      socket.once('error', reject)
      socket.once('secureConnect', () => resolve(new Connection(socket)))
    })
  }

  exchange(request: string): Promise<number> {
    return new Promise((resolve) => {
      if (!this.isOpen) {
        setTimeout(resolve, 1, 0)
        return
      }
      this.#done = (status) => {
        this.#done = undefined
        resolve(status)
      }
      this.#socket.write(request)
    })
  }

  #take(chunk: Buffer): void {
    this.#received = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk])
    const headEnd = this.#received.indexOf('\r\n\r\n')
    if (headEnd < 0) return
    const head = this.#received.toString('latin1', 0, headEnd)
    const length = Number(/content-length: ([0-9]+)/i.exec(head)?.[1] ?? 0)
    if (this.#received.length < headEnd + 4 + length) return
    this.#received = this.#received.subarray(headEnd + 4 + length)
    if (head.includes('onnection: close')) this.isOpen = false
    this.#done?.(Number(head.slice(9, 12)))
  }
}
