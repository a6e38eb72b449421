import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import type { Endpoint } from '@ngome/runtime'

/** A relay on loopback that loses answers: whoever asked through it cannot know what came of it. */
export type LossyRelay = {
  readonly port: number
  /** How many answers arrived here and went no further. */
  readonly lost: () => number
}

/** What a client sends after a server's first flight and before a request: the end of its handshake, some 80 bytes. */
const handshakeEndBytesMax = 200
/** What a server sends by itself after the handshake, tickets, is less; an answer with our headers is more. */
const answerBytesMin = 900
const answerMsMax = 5_000

/** Relays to the endpoint for the time of the work, and loses the answers of the first connections. */
export async function withLossyRelay<T>(endpoint: Endpoint, lossesMax: number, work: (relay: LossyRelay) => Promise<T>): Promise<T> {
  const sockets = new Set<Socket>()
  let connections = 0
  let lost = 0
  const server = createServer((client) => {
    const upstream = connect({ host: endpoint.host, port: endpoint.port })
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.on('error', () => undefined)
    }
    client.on('close', () => upstream.destroy())
    upstream.on('close', () => client.destroy())
    connections += 1
    if (connections > lossesMax) client.pipe(upstream).pipe(client)
    else loseAnswer(client, upstream, () => { lost += 1 })
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  try {
    return await work({ port: (server.address() as AddressInfo).port, lost: () => lost })
  } finally {
    for (const socket of sockets) socket.destroy()
    server.close()
  }
}

/** Lets the handshake and the request through, waits for the answer, and cuts instead of handing it on. */
function loseAnswer(client: Socket, upstream: Socket, onLost: () => void): void {
  let hasServerSpoken = false
  let asked = 0
  let answered = 0
  client.on('data', (bytes: Buffer) => {
    upstream.write(bytes)
    if (!hasServerSpoken) return
    asked += bytes.length
    if (asked > handshakeEndBytesMax) client.setTimeout(answerMsMax, () => client.destroy())
  })
  upstream.on('data', (bytes: Buffer) => {
    hasServerSpoken = true
    if (asked <= handshakeEndBytesMax) {
      client.write(bytes)
      return
    }
    answered += bytes.length
    if (answered < answerBytesMin) return
    onLost()
    client.destroy()
  })
}
