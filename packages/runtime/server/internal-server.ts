import { Fault, parseBase64Url, processRoles, type JsonValue, type ProcessRole, type RequestId } from '@ngome/kernel'
import type { FastifyRequest } from 'fastify'
import type { Registry } from 'prom-client'
import { z } from 'zod'
import { watchCallers, type Callers } from './caller.ts'
import { checkReadiness, type ReadinessCheck } from './readiness.ts'
import { createTlsServer, listen, type RunningServer, type TlsInstance, type TlsServerOptions } from './tls-server.ts'

/** What a handler learns of a call: everything in it has been verified or bounded. */
export type InternalCall = {
  readonly caller: ProcessRole
  readonly requestId: RequestId
  /** Strict JSON, or `undefined` where the call has no body; its schema is the handler's. */
  readonly body: JsonValue | undefined
  /** A header that was sent once, or `undefined`. */
  header(name: string): string | undefined
}

export type InternalRoute = {
  readonly method: 'GET' | 'POST'
  readonly path: string
  /** Who may call; anyone else is refused before the body is read. */
  readonly callers: readonly ProcessRole[]
  readonly bodyBytesMax?: number
  /** @returns what is sent as JSON */
  handle(call: InternalCall): Promise<unknown>
}

/**
 * Attempts a forbidden action as this process would, for `ngome verify`, and answers what came of it. `port` is a
 * listener of the operator's own on this machine, for an attempt to connect outwards.
 */
export type SelfTest = (input: { readonly challenge: string; readonly port?: number | undefined }) => Promise<unknown> | unknown

export type InternalServerOptions = TlsServerOptions & {
  readonly routes?: readonly InternalRoute[]
  readonly readiness?: Readonly<Record<string, ReadinessCheck>>
  readonly metrics: Registry
  readonly selfTests?: Readonly<Record<string, SelfTest>>
}

/**
 * Serves the other processes over mutual TLS: the routes given, `/healthz`, `/readyz`, `/metrics`, and for the operator
 * `POST /self-test/:name`. Who calls is the role in the certificate that TLS has verified.
 */
export async function internalServer(options: InternalServerOptions): Promise<RunningServer> {
  const app = createTlsServer(options, true)
  const callers = watchCallers(app.server, options.identity, options.clock)
  // A connection that began before a renewal, or that is refused, ends with its answer.
  app.addHook('onRequest', async (request, reply) => {
    if (callers.isOutdated(request.raw.socket)) reply.header('connection', 'close')
  })
  for (const route of [...(options.routes ?? []), ...ownRoutes(options)]) addRoute(app, callers, route)
  addReadiness(app, callers, options)
  addMetrics(app, callers, options.metrics)
  addSelfTests(app, callers, options.selfTests ?? {})
  return listen(app, options)
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
    onRequest: async (request) => assertCaller(callers, request, route.callers),
    handler: async (request) => route.handle({
      caller: assertCaller(callers, request, route.callers),
      requestId: request.id as RequestId,
      body: request.body as JsonValue | undefined,
      header: (name) => headerOf(request, name),
    }),
  })
}

function assertCaller(callers: Callers, request: FastifyRequest, allowed: readonly ProcessRole[]): ProcessRole {
  const caller = callers.callerOf(request.raw.socket)
  if (allowed.includes(caller)) return caller
  throw new Fault('identity/caller_refused', `${caller} may not call ${request.routeOptions.url ?? 'this'}`)
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

const challengeSchema = z.strictObject({
  challenge: z.string().refine((text) => {
    const length = parseBase64Url(text)?.length ?? 0
    return length >= 16 && length <= 64
  }),
  port: z.int().min(1).max(65_535).optional(),
})

function addSelfTests(app: TlsInstance, callers: Callers, selfTests: Readonly<Record<string, SelfTest>>): void {
  app.post<{ Params: { name: string } }>('/self-test/:name', {
    onRequest: async (request) => assertCaller(callers, request, ['operator']),
    handler: async (request) => {
      const { name } = request.params
      const test = Object.hasOwn(selfTests, name) ? selfTests[name] : undefined
      if (test === undefined) throw new Fault('request/not_found', 'no such self-test')
      const input = challengeSchema.safeParse(request.body)
      if (!input.success) throw new Fault('request/invalid', 'a self-test takes a challenge of 16 to 64 bytes')
      return test(input.data)
    },
  })
}
