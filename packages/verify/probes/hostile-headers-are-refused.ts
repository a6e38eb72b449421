import type { Endpoint } from '@ngome/runtime'
import type { Probe } from '../probe.ts'
import type { ProbeMerchants } from '../probe-merchant.ts'
import { fails, holds } from '../verdict.ts'
import { exchangeTls, statusOf } from '../wire/exchange.ts'

type Target = ProbeMerchants & { readonly gateway: Endpoint; readonly authority: string }

const get = 'GET /v1/payments HTTP/1.1'
const post = 'POST /v1/payments HTTP/1.1'
const host = 'host: localhost'
const json = 'content-type: application/json'
const twice = 'idempotency-key: probe'

/** One attack a row: a valid request with its key, but for this. Lines stand as they are sent. */
export const hostileHeads: readonly { readonly attack: string; readonly lines: readonly string[]; readonly body?: string }[] = [
  { attack: 'no host', lines: [get] },
  { attack: 'two hosts', lines: [get, host, host] },
  { attack: 'another site\'s host (DNS rebinding)', lines: [get, 'host: attacker.example'] },
  { attack: 'two credentials', lines: [get, host, 'authorization: Bearer ngome_sk_test_other'] },
  { attack: 'length and chunks (request smuggling)', lines: [post, host, json, twice, 'content-length: 2', 'transfer-encoding: chunked'], body: '0\r\n\r\n' },
  { attack: 'chunks, which we do not take', lines: [post, host, json, twice, 'transfer-encoding: chunked'], body: '2\r\n{}\r\n0\r\n\r\n' },
  { attack: 'chunks by a name that one parser knows', lines: [post, host, json, twice, 'transfer-encoding: xchunked'], body: '0\r\n\r\n' },
  { attack: 'two lengths', lines: [post, host, json, twice, 'content-length: 2', 'content-length: 3'], body: '{}' },
  { attack: 'a length with a sign', lines: [post, host, json, twice, 'content-length: +2'], body: '{}' },
  { attack: 'a space before the colon', lines: [get, 'host : localhost'] },
  { attack: 'a folded line', lines: [get, host, 'accept: text/html', ' application/json'] },
  { attack: 'a bare line feed', lines: [get, `${host}\nx-smuggled: yes`] },
  { attack: 'a null in a value', lines: [get, host, 'user-agent: a\0b'] },
  { attack: 'a name with a space', lines: [get, host, 'user agent: x'] },
  { attack: 'a header of 9 KiB', lines: [get, host, `user-agent: ${'x'.repeat(9_216)}`] },
  { attack: '200 headers', lines: [get, host, ...Array.from({ length: 200 }, (_, at) => `x-h${at}: 1`)] },
  { attack: 'another method in a header', lines: [get, host, 'x-http-method-override: DELETE'] },
  { attack: 'another path in a header', lines: [get, host, 'x-original-url: /admin'] },
  { attack: 'another method in a header with underscores', lines: [get, host, 'x_http_method_override: DELETE'] },
  { attack: 'another method in a query', lines: ['GET /v1/payments?_method=DELETE HTTP/1.1', host] },
  { attack: 'a host, spelled otherwise, for a second one', lines: [get, host, 'hOST: localhost'] },
  { attack: 'a list of hosts', lines: [get, 'host: localhost, attacker.example'] },
  { attack: 'a length with a nought that some read as octal', lines: [post, host, json, twice, 'content-length: 02'], body: '{}' },
  { attack: 'a length with an underscore in its name', lines: [get, host, 'content_length: 2'] },
  { attack: 'a line that begins with a space', lines: [get, ` ${host}`] },
  { attack: 'a tab before the colon', lines: [get, 'host\t: localhost'] },
  { attack: 'a bare carriage return', lines: [get, `${host}\rx-smuggled: yes`] },
  { attack: 'a value beyond ASCII', lines: [get, host, 'user-agent: \u00e9'] },
  { attack: 'an expectation that nobody knows', lines: [post, host, json, twice, 'expect: 200-ok', 'content-length: 2'], body: '{}' },
  { attack: 'a cookie', lines: [get, host, 'cookie: session=1'] },
  { attack: 'a page\'s origin where no page may call', lines: [get, host, 'origin: https://attacker.example'] },
  { attack: 'a browser\'s visit', lines: [get, host, 'sec-fetch-site: cross-site', 'sec-fetch-mode: navigate', 'sec-fetch-dest: document'] },
  { attack: 'an image of another site', lines: [get, host, 'sec-fetch-site: cross-site', 'sec-fetch-mode: no-cors', 'sec-fetch-dest: image'] },
  { attack: 'a preflight where no page may call', lines: ['OPTIONS /v1/payments HTTP/1.1', host, 'origin: https://attacker.example', 'access-control-request-method: POST'] },
  { attack: 'half a signature', lines: [get, host, 'signature: ngome=:AAAA:'] },
  { attack: 'two signatures', lines: [get, host, 'signature: ngome=:AAAA:', 'signature: ngome=:AAAA:'] },
  { attack: 'a signature of 2 KiB', lines: [get, host, `signature: ngome=:${'A'.repeat(2_048)}:`] },
  { attack: 'a digest that nobody signed', lines: [get, host, 'content-digest: sha-256=:AAAA:'] },
  { attack: 'a wish for another signature than ours', lines: [get, host, 'accept-signature: sig1=("date");keyid="x"'] },
  { attack: 'two wishes for a signature', lines: [get, host, 'accept-signature: ngome=()', 'accept-signature: ngome=()'] },
  { attack: 'a proxy for what calls on (httpoxy)', lines: [get, host, 'proxy: http://attacker.example'] },
  { attack: 'early data', lines: [get, host, 'early-data: 1'] },
  { attack: 'another address of the caller', lines: [get, host, 'x-forwarded-for: 127.0.0.1'] },
  { attack: 'another host in a header', lines: [get, host, 'x-forwarded-host: attacker.example'] },
  { attack: 'an upgrade to HTTP/2 without TLS', lines: [get, host, 'connection: Upgrade, HTTP2-Settings', 'upgrade: h2c', 'http2-settings: AAMAAABkAAQAAP__'] },
  { attack: 'a header that a proxy must drop (connection: authorization)', lines: [get, host, 'connection: close, authorization'] },
  { attack: 'a compressed body', lines: [post, host, json, twice, 'content-encoding: gzip', 'content-length: 2'], body: '{}' },
  { attack: 'a body of another type', lines: [post, host, 'content-type: text/plain', twice, 'content-length: 2'], body: '{}' },
  { attack: 'a body without a type', lines: [post, host, twice, 'content-length: 2'], body: '{}' },
  { attack: 'no idempotency key', lines: [post, host, json, 'content-length: 2'], body: '{}' },
  { attack: 'two idempotency keys', lines: [post, host, json, twice, 'idempotency-key: other', 'content-length: 2'], body: '{}' },
  { attack: 'a whole address as target', lines: ['GET https://attacker.example/v1/payments HTTP/1.1', host] },
  { attack: 'a path that climbs', lines: ['GET /v1/../v1/payments HTTP/1.1', host] },
  { attack: 'a path in disguise', lines: ['GET /v1/%70ayments HTTP/1.1', host] },
  { attack: 'TRACE', lines: ['TRACE /v1/payments HTTP/1.1', host] },
  { attack: 'CONNECT', lines: ['CONNECT localhost:443 HTTP/1.1', host] },
  { attack: 'HTTP/1.0', lines: ['GET /v1/payments HTTP/1.0', host] },
]

export const hostileHeadersAreRefused: Probe<Target> = {
  id: 'hostile-headers-are-refused',
  source: import.meta.filename,
  does: 'Sends, with a valid API key, a table of hostile request heads over TLS, byte for byte: smuggling, repeated and folded headers, overrides, foreign hosts. Each must be refused with a 4xx or by closing, and the same request without the attack must pass.',
  timeMsMax: 60_000,
  run: async ({ gateway, authority, merchant }) => {
    const { apiKey } = await merchant('first')
    const bytesOf = (lines: readonly string[], body = ''): Buffer => apiKey.expose((key) => {
      const [first = '', ...rest] = lines
      return Buffer.from([first, `authorization: Bearer ${key}`, ...rest, '', body].join('\r\n'), 'latin1')
    })
    const sane = statusOf(await exchangeTls(gateway, authority, bytesOf([get, host, 'connection: close'])))
    if (sane !== 200) return fails(`a plain request is answered with ${sane ?? 'nothing'}, so that a refusal means nothing`)
    for (const { attack, lines, body } of hostileHeads) {
      const answer = await exchangeTls(gateway, authority, bytesOf(lines, body))
      const status = statusOf(answer)
      if (status === undefined && !answer.isClosed) return fails(`${attack}: neither refused nor closed`)
      if (status !== undefined && (status < 400 || status >= 500)) return fails(`${attack}: answered with ${status}`)
      if ((answer.bytes.toString('latin1').match(/HTTP\/1\.1 [0-9]{3} /g)?.length ?? 0) > 1) return fails(`${attack}: one request, two answers`)
    }
    return holds(`${hostileHeads.length} hostile heads refused`)
  },
}
