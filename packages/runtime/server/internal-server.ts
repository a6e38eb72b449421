import type { X509Certificate } from 'node:crypto'
import type { Socket } from 'node:net'
import { selfTestRequestSchema, type SelfTestRequest } from '@ngome/contracts'
import { Fault, processRoles, type JsonValue, type ProcessRole, type RequestId } from '@ngome/kernel'
import type { FastifyRequest } from 'fastify'
import type { Registry } from 'prom-client'
import { watchCallers, type Caller, type Callers } from './caller.ts'
import { checkReadiness, type ReadinessCheck } from './readiness.ts'
import { createTlsServer, listen, type RunningServer, type TlsInstance, type TlsServerOptions } from './tls-server.ts'

/** What a handler learns of a call: everything in it has been verified or bounded. */
export type InternalCall = {
  readonly caller: ProcessRole
  /** Serial number of the caller's certificate, hexadecimal in lower case. */
  readonly serial: string
  readonly requestId: RequestId
  /** Strict JSON, or `undefined` where the call has no body; its schema is the handler's. */
  readonly body: JsonValue | undefined
  /** A header that was sent once, or `undefined`. */
  readonly header: (name: string) => string | undefined
}

/** What is known of a call before its body is read. */
export type InternalCallHead = Omit<InternalCall, 'body'> & { readonly path: string }

export type InternalRoute = {
  readonly method: 'GET' | 'POST'
  readonly path: string
  /** Who may call; anyone else is refused before the body is read. */
  readonly callers: readonly ProcessRole[]
  readonly bodyBytesMax?: number
  /** Refuses a call, by throwing, for more than its role: before the body is read. */
  admit?(call: InternalCallHead): Promise<void>
  /** @returns what is sent as JSON */
  handle(call: InternalCall): Promise<unknown>
}

/** Attempts a forbidden action as this process would, for `ngome verify`, and answers what came of it. */
export type SelfTest = (input: SelfTestRequest) => unknown

export type InternalServerOptions = TlsServerOptions & {
  readonly routes?: readonly InternalRoute[]
  readonly readiness?: Readonly<Record<string, ReadinessCheck>>
  readonly metrics: Registry
  readonly selfTests?: Readonly<Record<string, SelfTest>>
  /** Looks at each new connection's certificate once more; an answer of false, or none, ends it before any request is heard. */
  readonly acceptsPeer?: (certificate: X509Certificate) => Promise<boolean>
  /**
   * Is told of a caller whose certificate has ended, before he is refused: of a call on a connection that stayed open, or
   * of a connection that TLS ended, from which nothing is known of him.
   */
  readonly onExpiredPeer?: (caller: Caller | null) => Promise<void>
  /** Is told of a call to a path that there is not, before it is refused; what it throws is answered instead. */
  readonly onUnknownPath?: (call: InternalCallHead) => Promise<void>
}

/**
 * Serves the other processes over mutual TLS: the routes given, `/healthz`, `/readyz`, `/metrics`, and for the operator
 * `POST /self-test/:name`. Who calls is the role in the certificate that TLS has verified.
 */
export async function internalServer(options: InternalServerOptions): Promise<RunningServer> {
  const app = createTlsServer(options, true)
  const callers = watchCallers(app.server, options)
  const hearOf = async (socket: Socket): Promise<void> => {
    await callers.settling(socket)
    const expired = callers.expiredCaller(socket)
    if (expired !== undefined) await options.onExpiredPeer?.(expired)
  }
  // A connection that began before a renewal ends with its answer, so that no peer sits on a certificate that ends.
  app.addHook('onRequest', (request, reply, done) => {
    const { socket } = request.raw
    const goOn = (): void => {
      if (callers.isOutdated(socket)) reply.header('connection', 'close')
      done()
    }
    // Seldom more than once in a connection's life; a promise for each call would cost more than what it waits for.
    const waits = callers.settling(socket) !== undefined || callers.expiredCaller(socket) !== undefined
    const refuse = (failure: Error): void => done(failure)
    if (waits) void hearOf(socket).then(goOn, refuse)
    else goOn()
  })
  hearOfExpired(app, options)
  for (const route of [...(options.routes ?? []), ...ownRoutes(options)]) addRoute(app, callers, route)
  addUnknownPaths(app, callers, options)
  addReadiness(app, callers, options)
  addMetrics(app, callers, options.metrics)
  addSelfTests(app, callers, options.selfTests ?? {})
  return listen(app, options)
}

/** TLS itself refuses a certificate that has ended; Node says so on the socket, whose certificate is gone by then. */
function hearOfExpired(app: TlsInstance, { logger, onExpiredPeer }: InternalServerOptions): void {
  app.server.on('tlsClientError', (_error, socket) => {
    if (String(socket.authorizationError) !== 'CERT_HAS_EXPIRED') return
    onExpiredPeer?.(null).catch((err: unknown) => logger.error({ err }, 'a refused connection was not recorded'))
  })
}

function ownRoutes({ identity }: InternalServerOptions): InternalRoute[] {
  return [{
    method: 'GET', path: '/healthz', callers: processRoles,
    handle: async () => ({ alive: true, role: identity.role }),
  }]
}

function addRoute(app: TlsInstance, callers: Callers, route: InternalRoute): void {
  app.route({
    method: route.method,
    url: route.path,
    ...(route.bodyBytesMax === undefined ? {} : { bodyLimit: route.bodyBytesMax }),
    onRequest: async (request) => {
      const head = headOf(request, assertCaller(callers, request, route.callers))
      await route.admit?.(head)
    },
    handler: async (request) => route.handle({
      ...headOf(request, assertCaller(callers, request, route.callers)), body: request.body as JsonValue | undefined,
    }),
  })
}

function addUnknownPaths(app: TlsInstance, callers: Callers, { onUnknownPath }: InternalServerOptions): void {
  if (onUnknownPath === undefined) return
  app.addHook('onRequest', async (request) => {
    if (request.is404) await onUnknownPath(headOf(request, callers.callerOf(request.raw.socket)))
  })
}

function headOf(request: FastifyRequest, caller: Caller): InternalCallHead {
  return {
    caller: caller.role, serial: caller.serial, requestId: request.id as RequestId, path: request.url,
    header: (name) => headerOf(request, name),
  }
}

function assertCaller(callers: Callers, request: FastifyRequest, allowed: readonly ProcessRole[]): Caller {
  const caller = callers.callerOf(request.raw.socket)
  if (allowed.includes(caller.role)) return caller
  throw new Fault('identity/caller_refused', `${caller.role} may not call ${request.routeOptions.url ?? 'this'}`)
}

function headerOf(request: FastifyRequest, name: string): string | undefined {
  const values = request.raw.headersDistinct[name]
  return values?.length === 1 ? values[0] : undefined
}

function addReadiness(app: TlsInstance, callers: Callers, { identity, readiness }: InternalServerOptions): void {
  const checks: Record<string, ReadinessCheck> = {
    ...readiness, identity: () => (identity.isExpired() ? 'identity/expired' : null),
  }
  app.get('/readyz', async (request, reply) => {
    assertCaller(callers, request, processRoles)
    const result = await checkReadiness(checks)
    return reply.status(result.ready ? 200 : 503).send(result)
  })
}

function addMetrics(app: TlsInstance, callers: Callers, metrics: Registry): void {
  app.get('/metrics', async (request, reply) => {
    assertCaller(callers, request, processRoles)
    return reply.type(metrics.contentType).send(await metrics.metrics())
  })
}

function addSelfTests(app: TlsInstance, callers: Callers, selfTests: Readonly<Record<string, SelfTest>>): void {
  app.post<{ Params: { name: string } }>('/self-test/:name', {
    onRequest: async (request) => assertCaller(callers, request, ['operator']),
    handler: async (request) => {
      const { name } = request.params
      const test = Object.hasOwn(selfTests, name) ? selfTests[name] : undefined
      if (test === undefined) throw new Fault('request/not_found', 'no such self-test')
      const input = selfTestRequestSchema.safeParse(request.body)
      if (!input.success) throw new Fault('request/invalid', 'a self-test takes a challenge of 16 to 64 bytes')
      return test(input.data)
    },
  })
}
