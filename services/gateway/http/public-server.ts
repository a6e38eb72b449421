import { getFips } from 'node:crypto'
import { createServer, type Server, type ServerOptions } from 'node:https'
import { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import type { Duplex } from 'node:stream'
import { Fault, type RequestId } from '@ngome/kernel'
import { isForForeignPage } from '../browsers/is-for-foreign-page.ts'
import { answerHeaders, sendAnswer } from './answer.ts'
import { ConnectionGate, GateList } from './connection-gate.ts'
import { HeadControl } from './control-head.ts'
import type { Defence, Misdeed } from './defence.ts'
import { GatewayRequest } from './gateway-request.ts'
import { GatewayResponse } from './gateway-response.ts'
import { HandshakeLine } from './handshake-line.ts'
import {
  connectionsCheckMs, connectionsMax, connectionsPerAddressMax, connectionSweepMs, handshakesPerTurn, handshakeTimeoutMs, headBytesMax,
  headersTimeoutMs, keepAliveBufferMs, keepAliveTimeoutMs, pipelinedRequestsMax, requestsPerConnectionMax, requestTimeoutMs,
} from './limits.ts'
import { problemAnswer } from './problem-answer.ts'
import { noRequests, SlowConnections, type Requests } from './slow-connections.ts'

export type PublicCertificate = { readonly key: string; readonly cert: string }
export type PublicServer = Server<typeof GatewayRequest, typeof GatewayResponse>
type Handle = (request: GatewayRequest, response: GatewayResponse) => void

/** What the server asks of the rest. */
export type PublicServerPorts = {
  readonly hosts: readonly string[]
  readonly newRequestId: () => RequestId
  readonly monotonicMs: () => number
  readonly defence: Defence
  /** Told of each answer given before routing. */
  readonly onRefused: (fault: Fault) => void
}

/**
 * TLS 1.3's own suites, all of them with an ephemeral key exchange (RFC 8446 §4.1.1); named, so that a suite that a
 * later OpenSSL adds waits for us.
 */
export const cipherSuites = 'TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256'
/** The hybrid first: what is recorded today must not open to a quantum computer. */
export const keyExchangeGroups = 'X25519MLKEM768:X25519:P-256'
/** Under `--enable-fips` the provider knows no other of these, and OpenSSL refuses a list that names one it lacks. */
export const fipsKeyExchangeGroups = 'P-256'

const tlsOptions = {
  minVersion: 'TLSv1.3',
  maxVersion: 'TLSv1.3',
  ciphers: cipherSuites,
  ecdhCurve: getFips() === 1 ? fipsKeyExchangeGroups : keyExchangeGroups,
  honorCipherOrder: true,
  ALPNProtocols: ['http/1.1'],
  handshakeTimeout: handshakeTimeoutMs,
} as const

/** The TLS context of a certificate, for the start and for each renewal. */
export function tlsContext(certificate: PublicCertificate): ServerOptions {
  return { ...tlsOptions, key: certificate.key, cert: certificate.cert }
}

function serverOptions(certificate: PublicCertificate, gate: ConnectionGate): ServerOptions<typeof GatewayRequest, typeof GatewayResponse> {
  return {
    ...tlsContext(certificate),
    blockList: new GateList(gate),
    IncomingMessage: GatewayRequest,
    ServerResponse: GatewayResponse,
    httpValidation: 'strict',
    optimizeEmptyRequests: true,
    requireHostHeader: false, // Our own control refuses a missing host, with our own answer.
    maxHeaderSize: headBytesMax,
    headersTimeout: headersTimeoutMs,
    requestTimeout: requestTimeoutMs,
    connectionsCheckingInterval: connectionsCheckMs,
    keepAlive: true,
    keepAliveTimeout: keepAliveTimeoutMs,
    keepAliveTimeoutBuffer: keepAliveBufferMs,
  }
}

/** Makes the public server; it does not listen yet. */
export function createPublicServer(certificate: PublicCertificate, ports: PublicServerPorts, handle: Handle): PublicServer {
  const control = new HeadControl(ports.hosts)
  const requestsOn = new WeakMap<Socket, Requests>()
  const gate = new ConnectionGate(ports.defence, ports.monotonicMs)
  const server = createServer(serverOptions(certificate, gate), receive)
  watchConnections(server, ports, gate, requestsOn)
  // Node would drop what is past its own count of headers without a word; ours refuses, and `maxHeaderSize` bounds both.
  server.maxHeadersCount = 0
  // The gate keeps to its own bound; those that it has just ended are Node's for a moment more.
  server.maxConnections = connectionsMax + connectionsPerAddressMax
  server.on('checkContinue', receive)
  server.on('checkExpectation', receive)
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Duplex) => {
    const misdeed = misdeedOf(error)
    if (misdeed !== undefined && 'remoteAddress' in socket) ports.defence.onMisdeed(misdeed, String(socket.remoteAddress))
    refuseBytes(socket, ports)
  })
  return server

  function receive(request: GatewayRequest, response: GatewayResponse): void {
    const requests = requestsOn.get(request.socket)
    if (requests === undefined) throw new TypeError('a request of a connection that was not watched')
    if (requests.open >= pipelinedRequestsMax) {
      // Node goes on with the bytes that it has read; each of their requests ends here too.
      request.socket.destroy()
      return
    }
    requests.served++
    // Until its answer was sent: answers that wait for the one before them take memory as well.
    response.countOn(requests)
    request.requests = requests
    requests.last = request
    requests.bytesAtHead = request.socket.bytesRead
    request.isLastOnConnection = requests.served >= requestsPerConnectionMax
    if (requests.open === 1) look(request, response)
    else requests.waiting.push(() => look(request, response))
  }

  function look(request: GatewayRequest, response: GatewayResponse): void {
    // Who left, or was told that his connection ends, has nobody look at what he sent after it.
    if (!request.socket.writable) return
    request.startedAtMs = ports.monotonicMs()
    const requestId = ports.newRequestId()
    request.requestId = requestId
    const verdict = control.check({
      method: request.method ?? '', target: request.url ?? '', httpVersion: request.httpVersion, rawHeaders: request.rawHeaders,
    })
    if (verdict.ok) {
      request.headerBits = verdict.groups
      handle(request, response)
      return
    }
    ports.onRefused(verdict.fault)
    if (!isForForeignPage(request.headers)) ports.defence.onMisdeed(verdict.fault.code, request.socket.remoteAddress)
    // What follows a head that we do not trust is not a next request: the connection ends.
    sendAnswer(response, problemAnswer(verdict.fault, requestId), requestId, true)
  }
}

/** A connection that was only opened and closed is how load balancers look whether we live. */
function misdeedOf({ code }: NodeJS.ErrnoException): Misdeed | undefined {
  if (code === 'ECONNRESET' || code === 'EPIPE') return undefined
  return code === 'ERR_HTTP_REQUEST_TIMEOUT' || code === 'ERR_TLS_HANDSHAKE_TIMEOUT' ? 'slow_head' : 'request/malformed'
}

/** Decides on connections before their handshake, and looks at those that stand, each second until the last has closed. */
function watchConnections(
  server: PublicServer, { defence, monotonicMs }: PublicServerPorts, gate: ConnectionGate, requestsOn: WeakMap<Socket, Requests>,
): void {
  const slow = new SlowConnections<TLSSocket>(monotonicMs, (kind, { remoteAddress }) => {
    defence.onCut(kind)
    defence.onMisdeed(`slow_${kind}`, remoteAddress)
  })
  // In front of what makes a TLS connection of it: one that is refused costs little more than its accept.
  const [beginTls, ...others] = server.listeners('connection')
  if (beginTls === undefined || others.length > 0) throw new TypeError('Node begins TLS in another way')
  server.removeAllListeners('connection')
  const line = new HandshakeLine<Socket>(handshakesPerTurn, (socket) => beginTls.call(server, socket))
  server.on('connection', (socket: Socket) => {
    if (gate.take(socket)) line.add(socket)
  })
  server.prependListener('secureConnection', (socket) => {
    const requests = noRequests()
    requestsOn.set(socket, requests)
    slow.watch(socket, requests)
    // Node's own link to the connection under it.
    if ('_parent' in socket && socket._parent instanceof Socket) gate.begin(socket._parent, requests)
    else throw new TypeError('Node keeps the connection under TLS elsewhere')
  })
  const timer = setInterval(() => {
    slow.sweep()
    gate.sweep()
  }, connectionSweepMs).unref()
  server.once('close', () => clearInterval(timer))
}

/**
 * Bytes that are not HTTP get one answer and the end of the connection; which byte it was stays with us. Where an
 * answer is under way already, only the end: a client must never take this for the answer to another request.
 */
function refuseBytes(socket: Duplex, ports: PublicServerPorts): void {
  const fault = new Fault('request/malformed', 'bytes that are not HTTP')
  ports.onRefused(fault)
  const isAnswering = '_httpMessage' in socket && socket._httpMessage !== null && socket._httpMessage !== undefined
  if (!socket.writable || isAnswering) {
    socket.destroy()
    return
  }
  const requestId = ports.newRequestId()
  const answer = problemAnswer(fault, requestId)
  const headers = answerHeaders(answer, requestId)
  const lines = ['HTTP/1.1 400 Bad Request', 'connection: close']
  for (let at = 0; at < headers.length; at += 2) lines.push(`${headers[at]}: ${headers[at + 1]}`)
  socket.end(`${lines.join('\r\n')}\r\n\r\n${Buffer.from(answer.body ?? '').toString('utf8')}`, () => socket.destroy())
}
