import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import type { ServerResponse } from 'node:http'
import type { Server } from 'node:https'
import { Fault, type RequestId } from '@ngome/kernel'
import { faultOf } from '@ngome/runtime'
import { encryptedAnswer } from '../access/encrypt-answers.ts'
import { operationNames, operations, type Operation, type OperationName } from '../api/operations.ts'
import { answerPreflight, preflightHeaderGroups } from '../browsers/preflight.ts'
import type { Answer } from './answer.ts'
import type { AuthenticatedCaller, Call, Handlers } from './call.ts'
import type { Defence } from './defence.ts'
import { GatewayRequest } from './gateway-request.ts'
import type { Guards } from './guards.ts'
import { groupBits, groupsOf, headerGroups, type HeaderGroup } from './header-table.ts'
import { bodyBytesMax, segmentLengthMax, unheededMax, unheededPauseMs } from './limits.ts'
import { Outbox } from './outbox.ts'
import { problemAnswer } from './problem-answer.ts'
import { createPublicServer, type PublicCertificate, type PublicServer } from './public-server.ts'
import { readBody } from './read-body.ts'
import { readJsonBody, readParams, readQuery } from './read-call.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    operation?: OperationName
    /** Of a path asked with another method: those that it takes. */
    allow?: string
  }
}

/** What the public API needs of the rest of the gateway. */
export type PublicApiPorts = {
  /** The names under which the gateway is known. */
  readonly hosts: readonly string[]
  readonly newRequestId: () => RequestId
  readonly monotonicMs: () => number
  readonly isDraining: () => boolean
  readonly guards: Guards
  readonly defence: Defence
  /** Told of each request that came past the last guard but one, when its handler is over or it did not get that far. */
  readonly onHandled: (request: GatewayRequest, operation: OperationName) => void
  /** Told of each answer; what was refused before routing has no request. */
  readonly onAnswer: (route: OperationName | 'none', status: number, ms: number, request?: GatewayRequest) => void
  /** Told of every answer that is our failure; `gateway/internal` is a bug. */
  readonly onFailure: (fault: Fault, requestId: RequestId) => void
  /** Pages under another name of ours, which the operations are not served under. */
  readonly site?: {
    readonly isFor: (request: GatewayRequest) => boolean
    readonly handle: (request: GatewayRequest, response: ServerResponse) => void
  } | undefined
}

/** What the routes use of all that. */
type Routes = PublicApiPorts & { readonly outbox: Outbox }
type App = FastifyInstance<Server>
type Incoming = FastifyRequest
type Outgoing = FastifyReply

/** Builds the public server with every operation of the table behind it. It does not listen yet. */
export async function createPublicApi(
  certificate: PublicCertificate, surroundings: PublicApiPorts, handlers: Handlers,
): Promise<PublicServer> {
  const outbox = new Outbox((error, requestId) => surroundings.onFailure(faultOf(error), requestId))
  const ports: Routes = { ...surroundings, outbox }
  const made: { server?: PublicServer } = {}
  const app: App = Fastify<Server>({
    serverFactory: (handle) => made.server = createPublicServer(certificate, {
      ...ports,
      onRefused: (fault) => ports.onAnswer('none', fault.row.status, 0),
    }, (request, response) => {
      if (ports.site?.isFor(request) === true) ports.site.handle(request, response)
      else handle(request, response)
    }),
    exposeHeadRoutes: false,
    requestIdHeader: false,
    genReqId: () => '',
    routerOptions: { caseSensitive: true, ignoreTrailingSlash: false, maxParamLength: segmentLengthMax },
    frameworkErrors: (error, request, reply) => fail(ports, request, reply, error),
  })
  // Bodies are ours to read, after the key was checked: bytes of a known length, for our own strict parser.
  app.removeAllContentTypeParsers()
  for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']) app.addHttpMethod(method, { hasBody: false, overrideExisting: true })
  app.setErrorHandler((error, request, reply) => fail(ports, request, reply, error))
  app.setNotFoundHandler((request, reply) => fail(ports, request, reply, new Fault('request/not_found', 'no such route')))
  for (const name of operationNames) addOperation(app, ports, name, handlers[name] as Handle)
  const byPath = Map.groupBy(operationNames, (name) => operations[name].path)
  for (const [url, names] of byPath) {
    addPreflight(app, ports, url, names)
    refuseOtherMethods(app, ports, url, names)
  }
  await app.ready()
  if (made.server === undefined) throw new TypeError('Fastify made no server')
  return made.server
}

type Handle = (call: Call) => Promise<Answer> | Answer

function addOperation(app: App, ports: Routes, name: OperationName, handle: Handle): void {
  const operation: Operation = operations[name]
  const refuseForeign = foreignGroupsRefuser(operation.headerGroups)
  app.route({
    method: operation.method,
    url: operation.path,
    config: { operation: name },
    onRequest: (request, _reply, done) => {
      const raw = GatewayRequest.of(request.raw)
      const foreign = refuseForeign(raw)
      if (foreign === undefined) enter(ports, name, operation.credentials === 'api-key', request, raw, done)
      else done(foreign)
    },
    handler: (request, reply) => void answer(ports, name, handle, request, reply),
  })
}

/** What brings headers of another kind than its route takes is refused, and what follows it is not read. */
function foreignGroupsRefuser(taken: readonly HeaderGroup[]): (raw: GatewayRequest) => Fault | undefined {
  const allowedBits = groupBits(taken)
  return (raw) => {
    const foreign = groupsOf(raw.headerBits & ~allowedBits)
    if (foreign === '') return undefined
    raw.isLastOnConnection = true
    const field = { pointer: '', detail: `Refused: this route takes no headers of these kinds: ${foreign}.` }
    return new Fault('request/header_refused', `headers of the kinds ${foreign}`, { fields: [field] })
  }
}

/** Lets a request in: room and address, then key, then what that key may. */
function enter(
  { guards }: Routes, name: OperationName, hasKey: boolean, request: Incoming, raw: GatewayRequest, done: (error?: Error) => void,
): void {
  const authorize = (caller: AuthenticatedCaller): void | Promise<void> => {
    raw.caller = caller
    return guards.authorize(caller, raw, name)
  }
  const authenticate = (): void | Promise<void> => {
    if (!hasKey) return undefined
    const caller = guards.authenticate(request.headers.authorization, raw.socket)
    return caller instanceof Promise ? caller.then(authorize) : authorize(caller)
  }
  const refuse = (error: unknown): void => {
    // Always, not only where the body happens to be on its way still: that would tell which keys needed a look-up. But who
    // is to come again later, as all are who were connected while the database was away, would only cost us another handshake.
    if (!isToComeAgain(faultOf(error).row.status)) raw.isLastOnConnection = true
    done(error as Error)
  }
  const letIn = (): void => done()
  try {
    const admitted = guards.admit(raw, name)
    // Who is in memory passes at once; only what is not costs a turn of the event loop.
    const entered = admitted === undefined ? authenticate() : admitted.then(authenticate)
    if (entered === undefined) letIn()
    else entered.then(letIn, refuse)
  } catch (error) {
    refuse(error)
  }
}

async function answer(
  ports: Routes, name: OperationName, handle: Handle, request: Incoming, reply: Outgoing,
): Promise<void> {
  reply.hijack()
  const raw = GatewayRequest.of(request.raw)
  try {
    const operation: Operation = operations[name]
    const bytes = hasBody(raw) ? await readBody(raw, reply.raw, operation.bodyBytesMax ?? bodyBytesMax) : noBytes
    const call = readCall(operation, request, raw, bytes)
    const verified = ports.guards.verify(call, raw, name)
    if (verified !== undefined) await verified
    const handled = await handle(raw.signature === null ? call : { ...call, signature: raw.signature })
    raw.payment = handled.payment
    send(ports, name, raw, reply, raw.encryptTo === null ? handled : await encryptedAnswer(raw.encryptTo, handled))
  } catch (error) {
    fail(ports, request, reply, error)
  } finally {
    ports.onHandled(raw, name)
  }
}

function isShed(error: unknown): boolean {
  return error instanceof Fault && error.code === 'gateway/overloaded'
}

/** Too many of them, or we cannot now: such an answer says when to come again. */
function isToComeAgain(status: number): boolean {
  return status === 429 || status === 503
}

/** One for all: a new array for each request without a body would cost more than the rest of its reading. */
const noBytes = new Uint8Array()

function readCall(operation: Operation, request: Incoming, raw: GatewayRequest, bytes: Uint8Array): Call {
  const url = raw.url ?? ''
  const queryAt = url.indexOf('?')
  const idempotencyKey = request.headers['idempotency-key']
  if (operation.needsIdempotencyKey === true && typeof idempotencyKey !== 'string') {
    throw new Fault('idempotency/key_required', 'no idempotency key')
  }
  return {
    requestId: raw.requestId,
    method: operation.method,
    path: queryAt < 0 ? url : url.slice(0, queryAt),
    caller: raw.caller ?? undefined,
    params: readParams(operation, request.params),
    query: readQuery(operation, request.query, queryAt >= 0),
    body: operation.body?.kind === 'json'
      ? readJsonBody(operation.body, request.headers['content-type'], bytes) : undefined,
    bytes,
    idempotencyKey,
    signature: undefined,
  } as Call
}

/** Its length is in its head: header control refuses every other way to send one. */
function hasBody(raw: GatewayRequest): boolean {
  return (raw.headerBits & headerGroups.body) !== 0 && (raw.headers['content-length'] ?? '0') !== '0'
}

function send(ports: Routes, name: OperationName | 'none', raw: GatewayRequest, reply: Outgoing, answer: Answer): void {
  // A body that was not read to its end would be taken for the next request: the connection goes with it.
  const hasUnreadBody = hasBody(raw) && !raw.complete
  const isLast = raw.isLastOnConnection || hasUnreadBody || ports.isDraining()
  const leaving = raw.signAnswer === null ? answer : raw.signAnswer(answer)
  const waiting = { response: reply.raw, answer: leaving, added: raw.answerHeaders, requestId: raw.requestId, isLast }
  if (isUnheeded(raw, answer.status)) setTimeout(() => ports.outbox.add(waiting), unheededPauseMs)
  else ports.outbox.add(waiting)
  ports.onAnswer(name, answer.status, ports.monotonicMs() - raw.startedAtMs, raw)
}

/**
 * Whether a connection goes on asking although each answer says when to come again. A refusal is cheap, but not for nothing,
 * and nobody else waits for this one: the next request of its connection comes after it.
 */
function isUnheeded({ requests }: GatewayRequest, status: number): boolean {
  if (requests === undefined) return false
  requests.unheeded = isToComeAgain(status) ? requests.unheeded + 1 : 0
  return requests.unheeded > unheededMax
}

function fail(ports: Routes, request: Incoming, reply: Outgoing, error: unknown): void {
  if (!reply.sent) reply.hijack()
  const raw = GatewayRequest.of(request.raw)
  // The client is gone, perhaps in the middle of its body: there is nobody to answer and nothing to repair.
  if (reply.raw.headersSent || reply.raw.destroyed) return
  const fault = faultOf(error)
  raw.faultCode = fault.code
  // What there is too much of is not made dearer.
  if (isToComeAgain(fault.row.status)) raw.signAnswer = null
  // In an overload a line for each would be one more load; it is counted, and told once a minute.
  if (fault.row.status >= 500 && !isShed(fault)) ports.onFailure(fault, raw.requestId)
  const { allow } = request.routeOptions.config
  const headers = [...raw.answerHeaders ?? [], ...(allow === undefined ? [] : ['allow', allow])]
  raw.answerHeaders = undefined
  send(ports, routeOf(request), raw, reply, problemAnswer(fault, raw.requestId, headers))
}

function routeOf(request: Incoming): OperationName | 'none' {
  return request.routeOptions.config?.operation ?? 'none'
}

/** Of a path that pages may call: a browser asks first. That has no key, and passes the same limits as what it asks for. */
function addPreflight(app: App, ports: Routes, url: string, names: readonly OperationName[]): void {
  const offered = names.filter((name) => (operations[name] as Operation).browsers === true)
  const [first] = offered
  if (first === undefined) return
  const refuseForeign = foreignGroupsRefuser(preflightHeaderGroups)
  app.route({
    method: 'OPTIONS',
    url,
    config: { allow: allowOf(names) },
    onRequest: (request, _reply, done) => {
      const raw = GatewayRequest.of(request.raw)
      const foreign = refuseForeign(raw)
      if (foreign === undefined) enter(ports, first, false, request, raw, done)
      else done(foreign)
    },
    handler: (request, reply) => {
      reply.hijack()
      const { origin, 'access-control-request-method': method, 'access-control-request-headers': headers } = request.headers
      try {
        const answer = answerPreflight({ origin, method, headers }, offered.map((name) => operations[name]))
        send(ports, 'none', GatewayRequest.of(request.raw), reply, answer)
      } catch (error) {
        fail(ports, request, reply, error)
      }
    },
  })
}

/** A path that we have, asked with a method that it does not take, says which it takes (RFC 9110 §15.5.6). */
function refuseOtherMethods(app: App, ports: Routes, url: string, names: readonly OperationName[]): void {
  const allow = allowOf(names)
  const taken = new Set(allow.split(', '))
  app.route({
    method: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'].filter((method) => !taken.has(method)),
    url,
    config: { allow },
    onRequest: (_request, _reply, done) => done(new Fault('request/method_refused', 'method')),
    handler: (request, reply) => fail(ports, request, reply, new Fault('request/method_refused', 'method')),
  })
}

function allowOf(names: readonly OperationName[]): string {
  const known = names.map((name): Operation => operations[name])
  return [...known.map(({ method }) => method), ...(known.some(({ browsers }) => browsers === true) ? ['OPTIONS'] : [])].join(', ')
}
