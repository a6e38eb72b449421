import type { ClientRequest, IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import type { Duplex } from 'node:stream'
import { Fault, parseStrictJson, type JsonValue } from '@ngome/kernel'
import { authoritiesHeader } from '../identity/authority-bundle.ts'
import type { PeerAgent } from './peer-agent.ts'

/** Statements of two kilobytes each: of 256 tenants, three periods and two retention classes, 3.2 MB. */
const responseBytesMax = 4 * 1024 * 1024
const responseBounds = { depthMax: 8, nodesMax: 65_536 }

export type JsonAnswer = {
  readonly status: number
  readonly body: JsonValue
  /** Which authorities the custodian gives out now, as it names them. */
  readonly authorities?: string | undefined
}

export type PostJson = {
  readonly agent: PeerAgent
  readonly host: string
  readonly port: number
  readonly path: string
  readonly body: unknown
  readonly headers?: Readonly<Record<string, string>>
  readonly timeoutMs: number
  /** How long TLS may take to stand; without it, the whole time. */
  readonly connectMsMax?: number
  /** Whether the call may be sent again where nobody knows if it was read. */
  readonly isRepeatable: boolean
}

/** No answer. */
export class CallFailure extends Fault {
  /** Whether the call cannot have been read, since no connection for it came to stand. */
  readonly isUnsent: boolean

  constructor(message: string, options: { readonly isUnsent: boolean; readonly cause?: unknown }) {
    super('custodian/unavailable', message, { cause: options.cause })
    this.isUnsent = options.isUnsent
  }
}

/**
 * Posts JSON to the custodian.
 * @throws CallFailure (`custodian/unavailable`) where no answer came in time, or one that is not bounded, strict JSON
 */
export async function postJson(call: PostJson): Promise<JsonAnswer> {
  const bytes = Buffer.from(JSON.stringify(call.body), 'utf8')
  try {
    return await attempt(call, bytes)
  } catch (error) {
    if (!(error instanceof StaleConnection)) throw error
    // The server closed the idle connection while the request was on its way: most likely it was not read, and what may
    // not be done twice is not sent again for a likelihood (RFC 9112 §9.3.1). A server that was killed leaves several
    // such connections: where the next is one too, nobody answered.
    return attempt({ ...call, isRepeatable: false }, bytes)
  }
}

/** A kept connection that turned out to be closed. */
class StaleConnection extends Error {}

function attempt(call: PostJson, bytes: Buffer): Promise<JsonAnswer> {
  return new Promise((resolve, reject) => {
    let isUnsent = true
    const fail = (reason: string, cause?: unknown) => {
      reject(new CallFailure(`${call.path}: ${reason}`, { isUnsent, cause }))
    }
    const request = httpsRequest({
      agent: call.agent, host: call.host, port: call.port, path: call.path, method: 'POST',
      headers: { ...call.headers, 'content-type': 'application/json', 'content-length': bytes.length },
    })
    request.once('socket', (socket) => {
      if (request.reusedSocket) isUnsent = false
      else limitConnecting(request, socket, call.connectMsMax, fail, () => { isUnsent = false })
    })
    const deadline = setTimeout(() => {
      fail(`no answer in ${call.timeoutMs} ms`)
      request.destroy()
    }, call.timeoutMs)
    request.once('close', () => clearTimeout(deadline))
    request.once('error', (error) => {
      if (call.isRepeatable && isStale(request, error)) reject(new StaleConnection())
      else fail('the call failed', error)
    })
    request.once('response', (response) => readAnswer(response, resolve, fail))
    request.end(bytes)
  })
}

/** Gives up on a connection that does not come to stand; until it does, nothing of the call has left. */
function limitConnecting(
  request: ClientRequest, socket: Duplex, connectMsMax: number | undefined,
  fail: (reason: string) => void, onStanding: () => void,
): void {
  const timer = connectMsMax === undefined ? undefined : setTimeout(() => {
    fail(`no connection in ${connectMsMax} ms`)
    request.destroy()
  }, connectMsMax)
  socket.once('secureConnect', () => {
    clearTimeout(timer)
    onStanding()
  })
  request.once('close', () => clearTimeout(timer))
}

function isStale(request: ClientRequest, error: NodeJS.ErrnoException): boolean {
  return request.reusedSocket && (error.code === 'ECONNRESET' || error.code === 'EPIPE')
}

function readAnswer(
  response: IncomingMessage, resolve: (answer: JsonAnswer) => void, fail: (reason: string, cause?: unknown) => void,
): void {
  const chunks: Buffer[] = []
  let length = 0
  response.on('data', (chunk: Buffer) => {
    length += chunk.length
    if (length > responseBytesMax) {
      fail(`the answer is longer than ${responseBytesMax} bytes`)
      response.destroy()
    } else {
      chunks.push(chunk)
    }
  })
  response.once('error', (error) => fail('the answer broke off', error))
  response.once('end', () => {
    const json = parseStrictJson(Buffer.concat(chunks), responseBounds)
    const [authorities] = response.headersDistinct[authoritiesHeader] ?? []
    if (json.ok) resolve({ status: response.statusCode ?? 0, body: json.value, authorities })
    else fail(`the answer is not strict JSON (${json.reason})`)
  })
}
