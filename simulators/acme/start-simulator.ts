import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import { z } from 'zod'
import { accountRoutes, directory, newAccount, renewalInfo, type AcmeSettings, type Given, type World } from './acme-routes.ts'
import { Authority, type Lives } from './authority.ts'
import { Books, type RandomBytes } from './books.ts'
import { Manners, scriptSchema, type Manner, type Moment } from './manners.ts'
import { Problem } from './problem.ts'
import { readSigned } from './signed-request.ts'

export type SimulatorSettings = AcmeSettings & Lives & { readonly host: string; readonly port: number }
export type RunningSimulator = { readonly port: number; readonly root: string; readonly stop: () => Promise<void> }

/** Requests and scripts are a few kilobytes. */
const bodyBytesMax = 65_536
const hugeBytes = 10_000_000
const responderSchema = z.strictObject({ csr: z.string().max(16_384) })

/** Makes an authority and listens; all that it knows is in memory. */
export async function startSimulator(
  settings: SimulatorSettings, from: { readonly nowMs: () => number; readonly randomBytes: RandomBytes }, log: (line: object) => void,
): Promise<RunningSimulator> {
  const authority = await Authority.create(from.nowMs(), settings)
  const [books, manners] = [new Books(from.randomBytes), new Manners()]
  let port = settings.port
  const world: World = { books, authority, settings, nowMs: from.nowMs, base: () => `https://localhost:${port}` }
  const server = createServer({ ...authority.own, minVersion: 'TLSv1.2' }, (request, response) => {
    void answer(world, manners, request, response).catch((error: unknown) => {
      log({ msg: 'a request failed', error: error instanceof Error ? error.message : 'unknown' })
      response.destroy()
    })
  })
  server.on('tlsClientError', () => undefined)
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(settings.port, settings.host, resolve)
  })
  const address = server.address()
  if (address === null || typeof address === 'string') throw new TypeError('a TCP server without a port')
  port = address.port
  return {
    port, root: authority.root,
    stop: () => new Promise((resolve) => {
      server.close(() => { resolve() })
      server.closeAllConnections()
    }),
  }
}

async function answer(world: World, manners: Manners, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const path = request.url ?? '/'
  const [, first = '', id = ''] = path.split('/')
  try {
    const body = await read(request)
    if (first === 'simulator') return send(world, response, await simulatorAnswer(world, manners, id, request.method, body))
    const moment = momentOf(first)
    const manner = moment === undefined ? undefined : manners.take(moment)
    if (manner?.kind === 'hang') return
    if (manner?.kind === 'huge') return void response.writeHead(200, { 'content-type': 'application/json' }).end(`"${'x'.repeat(hugeBytes)}"`)
    if (manner?.kind === 'redirect') return void response.writeHead(302, { location: manner.location }).end()
    if (manner?.kind === 'answer') return void response.writeHead(manner.status).end()
    if (manner?.kind === 'problem') throw new Problem(manner.status, manner.type, manner.detail ?? 'as the script says', manner.retryAfter)
    send(world, response, await route(world, { first, id, path, manner, contentType: request.headers['content-type'], body }))
  } catch (error) {
    if (!(error instanceof Problem)) throw error
    const { status, type, message: detail, retryAfter } = error
    send(world, response, { status, body: { type, detail }, ...retryAfter === undefined ? {} : { retryAfter } }, 'application/problem+json')
  }
}

type Routed = { readonly first: string; readonly id: string; readonly path: string; readonly manner: Manner | undefined; readonly contentType: string | undefined; readonly body: Buffer }

async function route(world: World, { first, id, path, manner, contentType, body }: Routed): Promise<Given> {
  if (first === 'directory') return directory(world, manner)
  if (first === 'new-nonce') return { status: 200 }
  if (first === 'renewal-info') return renewalInfo(world, manner)
  const signed = await readSigned(world.books, world.base(), path, contentType, body)
  if (first === 'new-account') return newAccount(world, signed)
  const known = accountRoutes[first]
  if (known === undefined) throw new Problem(404, 'malformed', 'nothing here')
  return known[1](world, signed, id, manner)
}

function momentOf(first: string): Moment | undefined {
  const plain: Readonly<Record<string, Moment>> = { 'directory': 'directory', 'new-nonce': 'newNonce', 'new-account': 'newAccount', 'renewal-info': 'renewalInfo' }
  return plain[first] ?? accountRoutes[first]?.[0]
}

/** What no authority has: a look into its books, and a script of bad manners. */
async function simulatorAnswer({ books, authority, nowMs }: World, manners: Manners, what: string, method: string | undefined, body: Buffer): Promise<Given> {
  if (what === 'books' && method === 'GET') {
    return { status: 200, body: {
      accounts: [...books.accounts.values()].map(({ id, contact }) => ({ id, contact })),
      orders: [...books.orders.values()].map(({ status, identifiers, replaces, chain }) => ({ status, names: identifiers.map(({ value }) => value), replaces: replaces ?? null, chain: chain ?? null })),
    } }
  }
  if (what === 'forget' && method === 'POST') {
    books.accounts.clear()
    books.orders.clear()
    return { status: 200, body: {} }
  }
  if (what === 'responder' && method === 'POST') {
    const { csr } = responderSchema.parse(JSON.parse(body.toString('utf8')))
    return { status: 200, body: { certificate: await authority.certifyResponder(csr, nowMs()) } }
  }
  const script = what === 'script' && method === 'POST' ? scriptSchema.safeParse(JSON.parse(body.toString('utf8'))) : undefined
  if (script?.success !== true) throw new Problem(400, 'malformed', script?.error.message ?? 'nothing here')
  manners.replace(script.data)
  return { status: 200, body: { rules: script.data.rules.length } }
}

function send({ books }: World, response: ServerResponse, { status, body, location, retryAfter }: Given, type = 'application/json'): void {
  const text = typeof body === 'string' ? body : body === undefined ? '' : JSON.stringify(body)
  response.writeHead(status, {
    'replay-nonce': books.newNonce(), 'cache-control': 'no-store', 'content-type': typeof body === 'string' ? 'application/pem-certificate-chain' : type,
    ...location === undefined ? {} : { location }, ...retryAfter === undefined ? {} : { 'retry-after': retryAfter },
  }).end(text)
}

async function read(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length
    if (length > bodyBytesMax) throw new Problem(413, 'malformed', 'too long')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}
