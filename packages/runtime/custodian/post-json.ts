import type { ClientRequest, IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { Fault, parseStrictJson, type JsonValue } from '@ngome/kernel'
import type { PeerAgent } from './peer-agent.ts'

/** Statements of two kilobytes each: of 256 tenants, three periods and two retention classes, 3.2 MB. */
const responseBytesMax = 4 * 1024 * 1024
const responseBounds = { depthMax: 8, nodesMax: 65_536 }

export type JsonAnswer = { readonly status: number; readonly body: JsonValue }

export type PostJson = {
  readonly agent: PeerAgent
  readonly host: string
  readonly port: number
  readonly path: string
  readonly body: unknown
  readonly headers?: Readonly<Record<string, string>>
  readonly timeoutMs: number
}

/**
 * Posts JSON to the custodian.
 * @throws Fault `custodian/unavailable` where no answer came in time, or one that is not bounded, strict JSON
 */
export async function postJson(call: PostJson): Promise<JsonAnswer> {
  const bytes = Buffer.from(JSON.stringify(call.body), 'utf8')
  try {
    return await attempt(call, bytes)
  } catch (error) {
    if (!(error instanceof StaleConnection)) throw error
    // The server closed the idle connection while the request was on its way: it has not been read (RFC 9112 §9.3.1).
    return attempt(call, bytes)
  }
}

/** A kept connection that turned out to be closed. */
class StaleConnection extends Error {}

function attempt(call: PostJson, bytes: Buffer): Promise<JsonAnswer> {
  return new Promise((resolve, reject) => {
    const fail = (reason: string, cause?: unknown) => {
      reject(new Fault('custodian/unavailable', `${call.path}: ${reason}`, { cause }))
    }
    const request = httpsRequest({
      agent: call.agent, host: call.host, port: call.port, path: call.path, method: 'POST',
      headers: { ...call.headers, 'content-type': 'application/json', 'content-length': bytes.length },
    })
    const deadline = setTimeout(() => {
      fail(`no answer in ${call.timeoutMs} ms`)
      request.destroy()
    }, call.timeoutMs)
    request.once('close', () => clearTimeout(deadline))
    request.once('error', (error) => {
      if (isStale(request, error)) reject(new StaleConnection())
      else fail('the call failed', error)
    })
    request.once('response', (response) => readAnswer(response, resolve, fail))
    request.end(bytes)
  })
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
    if (json.ok) resolve({ status: response.statusCode ?? 0, body: json.value })
    else fail(`the answer is not strict JSON (${json.reason})`)
  })
}
