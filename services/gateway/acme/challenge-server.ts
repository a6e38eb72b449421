import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import type { Duplex } from 'node:stream'

/** What answers authorities over plain HTTP, and nobody else anything. */
export type ChallengeServer = {
  /** @returns the port */
  listen(at: { readonly fd: number } | { readonly host: string; readonly port: number }): Promise<number>
  /** Takes no connection any more; those that stand end by their deadlines. */
  close(): void
}

/** Authorities ask from a handful of places at once; who comes in thousands waits for nobody's harm. */
const connectionsMax = 64
const headBytesMax = 4_096
const headersMax = 32
const deadlineMs = 5_000
/** RFC 8555 §8.3, and tokens of base64url alone: a path has one spelling, without a query. */
const pathPattern = /^\/\.well-known\/acme-challenge\/([A-Za-z0-9_-]{22,128})$/
const hostPattern = /^(\[[0-9a-f:.]{2,45}\]|[a-z0-9.-]{1,253})(?::[0-9]{1,5})?$/
/** Each of them says that more comes, or that the connection becomes another; an authority sends none. */
const refusedHeaders = ['content-length', 'transfer-encoding', 'upgrade', 'expect', 'te', 'trailer'] as const

/** All but the answer to a challenge: one and the same, whatever was asked, known or broken. */
const nothing = 'HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n'

/**
 * Makes the plain listener for challenges (RFC 8555 §8.3). One request a connection; no body, no redirect, no header of ours
 * that tells anything.
 * @param find the key authorization of a token under a name
 */
export function createChallengeServer(find: (token: string, name: string) => Promise<string | undefined>): ChallengeServer {
  const answered = new WeakSet<Socket>()
  const server = createServer({
    maxHeaderSize: headBytesMax, headersTimeout: deadlineMs, requestTimeout: deadlineMs, connectionsCheckingInterval: 1_000,
    requireHostHeader: false, httpValidation: 'strict',
  }, (request, response) => {
    // Node hands on what else it has read of the connection; nobody asks for it.
    if (answered.has(request.socket)) return
    answered.add(request.socket)
    void answer(find, request, response)
  })
  server.maxConnections = connectionsMax
  server.maxHeadersCount = 0
  server.timeout = 2 * deadlineMs
  server.on('timeout', (socket: Socket) => { socket.destroy() })
  for (const event of ['checkContinue', 'checkExpectation'] as const) {
    server.on(event, (request: IncomingMessage, response: ServerResponse) => { end(request, response, undefined) })
  }
  server.on('upgrade', (_, socket: Duplex) => { refuse(socket) })
  server.on('connect', (_, socket: Duplex) => { refuse(socket) })
  server.on('clientError', (_, socket: Duplex) => { refuse(socket) })
  return { listen: (at) => listen(server, at), close: () => { server.close() } }
}

async function answer(find: (token: string, name: string) => Promise<string | undefined>, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const asked = read(request)
  const authorization = asked === undefined ? undefined : await find(asked.token, asked.name).catch(() => undefined)
  end(request, response, authorization)
}

function read({ method, url = '', httpVersion, rawHeaders, headers }: IncomingMessage): { readonly token: string; readonly name: string } | undefined {
  const token = pathPattern.exec(url)?.[1]
  if (method !== 'GET' || httpVersion !== '1.1' || token === undefined || rawHeaders.length > 2 * headersMax) return undefined
  const names = rawHeaders.filter((_, at) => at % 2 === 0).map((name) => name.toLowerCase())
  if (names.filter((name) => name === 'host').length !== 1 || refusedHeaders.some((name) => names.includes(name))) return undefined
  const name = hostPattern.exec((headers.host ?? '').toLowerCase())?.[1]
  return name === undefined ? undefined : { token, name: name.replace(/^\[|\]$/g, '') }
}

/** Past Node's own writing of answers, which would add a date and more; whatever follows in the connection is not read. */
function end(request: IncomingMessage, response: ServerResponse, authorization: string | undefined): void {
  const { socket } = request
  response.detachSocket(socket)
  if (authorization === undefined) refuse(socket)
  else finish(socket, `HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: application/octet-stream\r\nContent-Length: ${authorization.length}\r\n\r\n${authorization}`)
}

function refuse(socket: Duplex): void {
  if (socket.writable) finish(socket, nothing)
  else socket.destroy()
}

function finish(socket: Duplex, text: string): void {
  socket.on('error', () => undefined)
  socket.end(text, () => socket.destroy())
}

function listen(server: Server, at: Parameters<ChallengeServer['listen']>[0]): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(at, () => {
      server.removeListener('error', reject)
      resolve((server.address() as AddressInfo).port)
    })
  })
}
