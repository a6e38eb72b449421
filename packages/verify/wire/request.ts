import type { Secret } from '@ngome/kernel'
import type { Endpoint } from '@ngome/runtime'
import { NotReached } from '../probe.ts'
import { exchangeTls, headerOf, statusOf, type Exchange } from './exchange.ts'

export type ApiCall = {
  readonly method: string
  readonly path: string
  readonly apiKey?: Secret<string>
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
  /** Of what is asked under another name than the API's. */
  readonly host?: string
}

export type ApiAnswer = { readonly status: number; readonly text: string; readonly header: (name: string) => string | undefined }

/** One HTTPS request on a connection of its own. @throws NotReached where no HTTP answer came */
export async function ask(endpoint: Endpoint, authority: string, call: ApiCall): Promise<ApiAnswer> {
  const answer = await exchangeTls(endpoint, authority, requestBytes(call))
  const status = statusOf(answer)
  if (status === undefined) throw new NotReached(`${endpoint.name} gave no HTTP answer to ${call.method} ${call.path}`)
  return { status, text: bodyOf(answer), header: (name) => headerOf(answer, name) }
}

/** A well-formed request, byte for byte; `connection: close`, so that the answer's end is the connection's. */
export function requestBytes({ method, path, apiKey, body, headers, host = 'localhost' }: ApiCall): Uint8Array {
  const text = body === undefined ? '' : JSON.stringify(body)
  const lines = [
    `${method} ${path} HTTP/1.1`,
    `host: ${host}`,
    'connection: close',
    ...(apiKey === undefined ? [] : [apiKey.expose((key) => `authorization: Bearer ${key}`)]),
    ...(body === undefined ? [] : ['content-type: application/json', `content-length: ${Buffer.byteLength(text)}`]),
    ...Object.entries(headers ?? {}).map(([name, value]) => `${name}: ${value}`),
  ]
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n${text}`)
}

function bodyOf(answer: Exchange): string {
  const at = answer.bytes.indexOf('\r\n\r\n')
  // A chunk's size is in bytes: each is one character until the whole is together.
  const body = at < 0 ? '' : answer.bytes.subarray(at + 4).toString('latin1')
  const whole = headerOf(answer, 'transfer-encoding') === 'chunked' ? unchunk(body) : body
  return Buffer.from(whole, 'latin1').toString('utf8')
}

/** RFC 9112 §7.1, without extensions and trailers: our own servers send neither. */
function unchunk(text: string): string {
  let rest = text
  let whole = ''
  for (;;) {
    const size = Number.parseInt(rest, 16)
    if (!(size > 0)) return whole
    const from = rest.indexOf('\r\n') + 2
    whole += rest.slice(from, from + size)
    rest = rest.slice(from + size + 2)
  }
}
