import { createHash, timingSafeEqual, X509Certificate } from 'node:crypto'
import { Agent as HttpAgent, request as requestHttp, type ClientRequest, type IncomingHttpHeaders, type IncomingMessage } from 'node:http'
import { Agent as HttpsAgent, request as requestHttps } from 'node:https'
import { isIP } from 'node:net'
import { checkServerIdentity } from 'node:tls'
import type { CheckedDestination } from './check-destination.ts'

export type Outgoing = {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
  /** From the look at the name to the last byte of the answer. */
  readonly timeoutMs: number
  /** Asked when the connection stands and nothing has been written; an answer of false holds everything back. */
  readonly beforeFirstByte?: () => Promise<boolean>
}

/** What became of a request. `unreached` says that no byte of it left; `lost` that it may have been heard. */
export type Transmission =
  | {
    readonly kind: 'answered'; readonly status: number; readonly body: Uint8Array; readonly retryAfter: string | undefined
    readonly headers: IncomingHttpHeaders
  }
  | { readonly kind: 'unreached'; readonly reason: string }
  | { readonly kind: 'lost'; readonly reason: string }

/** Answers that we read are a few hundred bytes; a longer one is cut off. */
export const answerBytesMax = 65_536
const headerBytesMax = 16_384
const connectTimeoutMs = 5_000
/** A second family or a second machine is worth a try; more would outlast the caller's patience. */
const addressesTriedMax = 2
/** Shorter than servers usually keep an idle connection, so that we rarely write into one that is being closed. */
const idleSocketMs = 4_000

/** Whose certificates are believed. */
export type Trust = {
  /** In place of the system's, PEM. */
  readonly authorities?: readonly string[]
  /** SHA-256 of the public key (DER, SubjectPublicKeyInfo) that the certificate must have besides. */
  readonly pin?: Uint8Array
}
/** The reason of a transmission whose server has a valid certificate with another key. */
export const pinRefused = 'pin_refused'

export type Agents = { readonly http: HttpAgent; readonly https: HttpsAgent }

/**
 * Agents of our own: Node's global ones can be told by the environment to use a proxy. The jobs bound how many sockets there are, and not the
 * host: merchants share one (a platform for automations, say), and whose endpoints hang there would take the places of the others.
 */
export function makeAgents(keepAlive: boolean): Agents {
  const options = { keepAlive, timeout: idleSocketMs, scheduling: 'lifo' } as const
  // A resumed session shows no certificate, and a pin would be held against nothing.
  return { http: new HttpAgent(options), https: new HttpsAgent(keepAlive ? options : { ...options, maxCachedSessions: 0 }) }
}

/**
 * Sends one request to a checked address, follows nothing, and reads a bounded answer within the time given. The next
 * address is tried only while no byte has left. What `beforeFirstByte` throws is thrown.
 *
 * @param deadline aborted when the time is over
 */
export async function transmit(
  destination: CheckedDestination, outgoing: Outgoing, agents: Agents, deadline: AbortSignal, trust: Trust = {},
): Promise<Transmission> {
  let transmission: Transmission = { kind: 'unreached', reason: 'the name has no address' }
  for (const address of destination.addresses.slice(0, addressesTriedMax)) {
    if (deadline.aborted) break
    transmission = await transmitTo(address, destination, outgoing, agents, deadline, trust)
    if (transmission.kind !== 'unreached') return transmission
  }
  return transmission
}

function transmitTo(
  address: string, destination: CheckedDestination, outgoing: Outgoing, agents: Agents, deadline: AbortSignal,
  trust: Trust,
): Promise<Transmission> {
  const { promise, resolve, reject } = Promise.withResolvers<Transmission>()
  let isWritten = false
  const fail = (reason: string): void => { resolve({ kind: isWritten ? 'lost' : 'unreached', reason }) }
  const call = startRequest(address, destination, outgoing, agents, trust)
  const timeOut = (reason: string): void => {
    fail(reason)
    call.destroy()
  }
  const total = (): void => { timeOut('no whole answer in time') }
  deadline.addEventListener('abort', total, { once: true })
  const connecting = setTimeout(() => { timeOut('no connection in time') }, connectTimeoutMs)
  const connected = async (): Promise<void> => {
    clearTimeout(connecting)
    if (await outgoing.beforeFirstByte?.() === false) timeOut('held back')
    if (call.destroyed) return
    isWritten = true
    call.end(outgoing.body)
  }
  const onConnect = (): void => {
    connected().catch((error: unknown) => {
      reject(error)
      call.destroy()
    })
  }
  call.once('socket', (socket) => {
    if (!socket.connecting) onConnect()
    else socket.once(destination.protocol === 'https:' ? 'secureConnect' : 'connect', onConnect)
  })
  call.on('error', (error) => { fail(codeOf(error)) })
  call.once('response', (response) => {
    readBounded(response, fail, (body) => {
      const retryAfter = response.headers['retry-after']
      resolve({ kind: 'answered', status: response.statusCode ?? 0, body, retryAfter, headers: response.headers })
    })
  })
  return promise.finally(() => {
    deadline.removeEventListener('abort', total)
    clearTimeout(connecting)
  })
}

function startRequest(
  address: string, destination: CheckedDestination, outgoing: Outgoing, agents: Agents, { authorities, pin }: Trust,
): ClientRequest {
  const { protocol, host, port, path } = destination
  const isDefaultPort = port === (protocol === 'https:' ? 443 : 80)
  const options = {
    // The address that was checked, never the name: a second look at the name is where DNS rebinding lives.
    host: address,
    port,
    path,
    method: outgoing.method,
    maxHeaderSize: headerBytesMax,
    headers: {
      ...outgoing.headers,
      host: isDefaultPort ? host : `${host}:${port}`,
      'content-length': String(outgoing.body.length),
    },
  }
  if (protocol === 'http:') return requestHttp({ ...options, agent: agents.http })
  return requestHttps({
    ...options,
    agent: agents.https,
    minVersion: 'TLSv1.2',
    // The certificate is checked against this name; an address has none to send (RFC 6066 §3).
    servername: isIP(address) !== 0 && host.replace(/^\[|\]$/g, '') === address ? '' : host,
    ...(authorities === undefined ? {} : { ca: [...authorities] }),
    ...(pin === undefined ? {} : { checkServerIdentity: pinned(pin) }),
  })
}

/** The name is checked as ever; the key is checked besides. */
function pinned(pin: Uint8Array): typeof checkServerIdentity {
  return (name, certificate) => {
    const refusal = checkServerIdentity(name, certificate)
    if (refusal !== undefined) return refusal
    const key = new X509Certificate(certificate.raw).publicKey.export({ format: 'der', type: 'spki' })
    const digest = createHash('sha256').update(key).digest()
    const isPinned = digest.length === pin.length && timingSafeEqual(digest, pin)
    return isPinned ? undefined : Object.assign(new Error('a certificate with another key'), { code: pinRefused })
  }
}

function readBounded(response: IncomingMessage, fail: (reason: string) => void, done: (body: Uint8Array) => void): void {
  const chunks: Buffer[] = []
  let length = 0
  response.on('data', (chunk: Buffer) => {
    length += chunk.length
    chunks.push(chunk)
    if (length <= answerBytesMax) return
    fail('an answer past the bound')
    response.destroy()
  })
  response.once('end', () => { done(Buffer.concat(chunks)) })
  response.once('close', () => { fail('an answer cut short') })
  response.once('error', (error) => { fail(codeOf(error)) })
}

/** The error's code, since messages hold addresses and sometimes more. */
function codeOf(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name
}
