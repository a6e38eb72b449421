import type { Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { Fault, parseStrictJson, requestIds, type Clock, type JsonValue, type Random, type RequestId } from '@ngome/kernel'
import { fastify, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import type { Identity } from '../identity/identity.ts'
import type { Logger } from '../logs/create-logger.ts'
import { faultOf, problemMediaType, problemOf } from './problem.ts'

/** A call that opens 64 records carries 64 sealed data keys of some 1.5 kB. */
export const bodyBytesDefaultMax = 262_144
const bodyBounds = { depthMax: 8, nodesMax: 16_384 }
const headerBytesMax = 8192
/** Five processes with a few connections each, and an operator. */
const connectionsMax = 256
const handshakeTimeoutMs = 5000
const requestTimeoutMs = 30_000
/** Longer than a client keeps an idle connection, so that the client is the one who ends it. */
const keepAliveTimeoutMs = 65_000

export type TlsServerOptions = {
  readonly identity: Identity
  readonly host: string
  /** 0 lets the system choose. */
  readonly port: number
  /** Another run of the same process, under the same user, listens there too: a gateway and its replacement. */
  readonly sharesPort?: boolean
  /** A header of every answer. */
  readonly answerHeader?: () => readonly [name: string, value: string]
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
}

export type TlsInstance = FastifyInstance<Server>

export type RunningServer = {
  readonly port: number
  /** Ends idle connections, answers what runs, and takes nothing new. */
  close(): Promise<void>
}

/**
 * A server on a certificate of the internal authority: TLS 1.3, bounded, strict JSON, problem documents. Whether a
 * client has to show a certificate too is the caller's choice of function; it is not an option here.
 */
export function createTlsServer(options: TlsServerOptions, asksForCertificate: boolean): TlsInstance {
  const { identity, logger } = options
  const app: TlsInstance = fastify({
    https: {
      ...identity.secureContext(),
      ...(asksForCertificate ? { requestCert: true, rejectUnauthorized: true } : {}),
      handshakeTimeout: handshakeTimeoutMs,
      maxHeaderSize: headerBytesMax,
    },
    logger: false,
    bodyLimit: bodyBytesDefaultMax,
    requestTimeout: requestTimeoutMs,
    keepAliveTimeout: keepAliveTimeoutMs,
    forceCloseConnections: 'idle',
    exposeHeadRoutes: false,
    requestIdHeader: false,
    genReqId: requestIds(options),
    // What the router refuses before any hook or handler of ours.
    frameworkErrors: (error, request, reply) => void answerProblem(error, request, reply, logger),
  })
  app.server.maxConnections = connectionsMax
  app.server.on('tlsClientError', (error) => logger.debug({ err: error }, 'a handshake failed'))
  readJsonStrictly(app)
  answerProblems(app, logger)
  app.addHook('onSend', (_request, reply, _payload, done) => {
    reply.header('cache-control', 'no-store')
    if (options.answerHeader !== undefined) reply.header(...options.answerHeader())
    done()
  })
  const stopListening = identity.onRenewal(() => app.server.setSecureContext(identity.secureContext()))
  app.addHook('onClose', () => stopListening())
  return app
}

/** Listens, and says where. */
export async function listen(app: TlsInstance, { host, port, sharesPort }: TlsServerOptions): Promise<RunningServer> {
  // Fastify hands its options on to `net.Server.listen`; its types leave this one out.
  const where = { host, port, reusePort: sharesPort === true }
  await app.listen(where)
  return { port: (app.server.address() as AddressInfo).port, close: () => app.close() }
}

function readJsonStrictly(app: TlsInstance): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, async (_request: unknown, bytes: Buffer) => {
    const json = parseStrictJson(bytes, bodyBounds)
    if (json.ok) return json.value satisfies JsonValue
    throw new Fault('request/json_refused', `${json.reason} at ${json.offset}`)
  })
}

function answerProblems(app: TlsInstance, logger: Logger): void {
  app.setNotFoundHandler(() => {
    throw new Fault('request/not_found', 'no such route')
  })
  app.setErrorHandler(async (error, request, reply) => answerProblem(error, request, reply, logger))
}

async function answerProblem(error: unknown, request: FastifyRequest, reply: FastifyReply, logger: Logger): Promise<void> {
  const fault = faultOf(error)
  const line = { err: fault, requestId: request.id, method: request.method, route: request.routeOptions.url }
  if (fault.row.status >= 500) logger.error(line, 'a call failed')
  else logger.info(line, 'a call was refused')
  const problem = problemOf(fault, request.id as RequestId)
  // As bytes, since Fastify adds a charset to a text's type, and problem+json has none (RFC 9457 §6.1).
  await reply.status(fault.row.status).type(problemMediaType).send(Buffer.from(JSON.stringify(problem)))
}
