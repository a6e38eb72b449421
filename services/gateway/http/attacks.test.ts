import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { after, before, test } from 'node:test'
import { problemSchema } from '@ngome/contracts'
import { rawRequest, type RawAnswer, type RawOptions } from '../testing/raw-request.ts'
import { TestGateway, type TestMerchant } from '../testing/test-gateway.ts'
import { bodyBytesMax, headBytesMax, headerCountMax, targetLengthMax } from './limits.ts'

let running: TestGateway
let merchant: TestMerchant

before(async () => {
  running = await TestGateway.start()
  merchant = await running.addMerchant()
})
after(() => running.close())

const send = (bytes: string | Uint8Array, options: RawOptions = {}): Promise<RawAnswer> =>
  rawRequest({ port: running.port, ca: running.custody.authority.pem }, bytes, options)

const order = '{"amount":"5.00","currency":"EUR","network":"mtn-sandbox","payer":{"phone":"+46733123499"},"reference":"r"}'
let serial = 0

type Parts = { method?: string; target?: string; version?: string; headers?: readonly string[]; body?: string | Uint8Array; key?: string }

function get(parts: Parts = {}): string {
  const { method = 'GET', target = '/v1/payments', version = 'HTTP/1.1', headers = [], key = merchant.key } = parts
  return [`${method} ${target} ${version}`, 'Host: localhost', `Authorization: Bearer ${key}`, ...headers, '', ''].join('\r\n')
}

function post(parts: Parts = {}): Uint8Array {
  const { target = '/v1/payments', headers = [], body = order, key = merchant.key } = parts
  const bytes = Buffer.from(body)
  const own = new Set(headers.map((line) => line.split(':')[0]?.toLowerCase()))
  const lines = [
    'Host: localhost', `Authorization: Bearer ${key}`, 'Content-Type: application/json', `Content-Length: ${bytes.length}`,
    `Idempotency-Key: attack-${++serial}`,
  ].filter((line) => !own.has(line.split(':')[0]?.toLowerCase()))
  return Buffer.concat([Buffer.from([`POST ${target} HTTP/1.1`, ...lines, ...headers, '', ''].join('\r\n'), 'latin1'), bytes])
}

/** Every answer, refusals of every kind included, carries these. */
function assertShape(answer: RawAnswer, what: string): void {
  assert.equal(answer.headers.get('strict-transport-security'), 'max-age=63072000; includeSubDomains', what)
  assert.equal(answer.headers.get('x-content-type-options'), 'nosniff', what)
  assert.equal(answer.headers.get('cache-control'), 'no-store', what)
  assert.match(answer.headers.get('content-security-policy') ?? '', /^default-src 'none'/, what)
  assert.match(answer.headers.get('request-id') ?? '', /^req_/, what)
  assert.equal(answer.headers.get('server'), undefined, what)
  assert.equal(answer.headers.get('x-powered-by'), undefined, what)
}

function assertRefused(answer: RawAnswer, status: number, code: string, what: string): void {
  assert.equal(answer.status, status, `${what}: ${answer.head} ${answer.body}`)
  assertShape(answer, what)
  assert.equal(answer.headers.get('content-type'), 'application/problem+json', what)
  const problem = problemSchema.parse(JSON.parse(answer.body))
  assert.equal(problem.code, code, `${what}: ${answer.body}`)
  assert.equal(problem.status, status, what)
  assert.equal(problem.request_id, answer.headers.get('request-id'), what)
  assert.doesNotMatch(answer.body, /HPE_|FST_|llhttp|Error:|stack|node:|astify/, what)
}

test('the same bytes without an attack are answered', async () => {
  const read = await send(get())
  assert.equal(read.status, 200, read.body)
  assertShape(read, 'a page')
  assert.match(read.headers.get('keep-alive') ?? '', /timeout=5/)
  const created = await send(post())
  assert.equal(created.status, 201, created.body)
  assertShape(created, 'a payment')
})

const malformed = 'request/malformed'
const header = 'request/header_refused'
/** One threat a row; a head that is refused ends its connection. */
const heads: readonly (readonly [string, () => string | Uint8Array, number, string])[] = [
  ['bytes that are not HTTP', () => '\u0016\u0003\u0001 hello\r\n\r\n', 400, malformed],
  ['a request of HTTP/1.0', () => get({ version: 'HTTP/1.0' }), 400, malformed],
  ['a request of HTTP/2', () => 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400, malformed],
  ['a bare line feed between headers', () => get().replace('\r\nAuth', '\nAuth'), 400, malformed],
  ['a space before the colon of a header', () => get({ headers: ['Accept : */*'] }), 400, malformed],
  ['a folded header (RFC 9112 §5.2)', () => get({ headers: ['Accept: text/html,', ' */*'] }), 400, malformed],
  ['a header without a name', () => get({ headers: [': x'] }), 400, malformed],
  ['a NUL in a value', () => get({ headers: ['Accept: a\u0000b'] }), 400, malformed],
  ['a carriage return in a value', () => get({ headers: ['Accept: a\rb'] }), 400, malformed],
  ['a target in absolute form', () => get({ target: 'https://localhost/v1/payments' }), 400, malformed],
  ['a target in asterisk form', () => get({ method: 'OPTIONS', target: '*' }), 400, malformed],
  ['a target with a fragment', () => get({ target: '/v1/payments#x' }), 400, malformed],
  ['a percent-encoded path', () => get({ target: '/v1/%70ayments' }), 400, malformed],
  ['a path that climbs', () => get({ target: '/v1/../v1/payments' }), 400, malformed],
  ['a path with a doubled slash', () => get({ target: '//v1/payments' }), 400, malformed],
  ['a path with a backslash', () => get({ target: '/v1\\payments' }), 400, malformed],
  ['a path with a parameter', () => get({ target: '/v1/payments;x=1' }), 400, malformed],
  ['a path beyond ASCII', () => get({ target: '/v1/payments\u00e9' }), 400, malformed],
  ['a target past the limit', () => get({ target: `/v1/payments?cursor=${'a'.repeat(targetLengthMax)}` }), 400, malformed],
  ['a head past the limit', () => get({ headers: [`Accept: ${'a'.repeat(headBytesMax)}`] }), 400, malformed],
  ['a tab before the colon of a header', () => get({ headers: ['Accept\t: */*'] }), 400, malformed],
  ['a space before the first header (RFC 9112 §2.2)', () => get().replace('\r\nHost', '\r\n Host'), 400, malformed],
  ['a line without a colon', () => get({ headers: ['Accept'] }), 400, malformed],
  ['a bare carriage return between headers', () => get().replace('\r\nAuth', '\rAuth'), 400, malformed],
  ['a header folded by a tab', () => get({ headers: ['Accept: text/html,', '\t*/*'] }), 400, malformed],
  ['a NUL in a name', () => get({ headers: ['Acc\u0000ept: */*'] }), 400, malformed],
  ['a name beyond ASCII that lower case would make one of ours', () => get({ headers: ['Coo\u212aie: a=b'] }), 400, malformed],
  ['a name in quotes', () => get({ headers: ['"Accept": */*'] }), 400, malformed],
  ['a target in authority form', () => get({ target: 'localhost:443' }), 400, malformed],
  ['a target with a user', () => get({ target: '//user@localhost/v1/payments' }), 400, malformed],
  ['a target with a NUL', () => get({ target: '/v1/payments\u0000' }), 400, malformed],
  ['a target with a carriage return', () => get({ target: '/v1/payments\rX: y' }), 400, malformed],
  ['a query with a line feed', () => get({ target: '/v1/payments?a=\nX: y' }), 400, malformed],
  ['a query with brackets (parameter pollution)', () => get({ target: '/v1/payments?limit[]=1' }), 400, malformed],
  ['a query parted by semicolons (parameter cloaking)', () => get({ target: '/v1/payments?limit=1;limit=2' }), 400, malformed],
  ['a target with a space', () => get({ target: '/v1/payments /x' }), 400, malformed],
  ['a tab before the target', () => get().replace('GET ', 'GET\t'), 400, malformed],
  ['a method in lower case', () => get({ method: 'get' }), 400, malformed],
  ['a version in lower case', () => get({ version: 'http/1.1' }), 400, malformed],
  ['a version that there is not', () => get({ version: 'HTTP/1.10' }), 400, malformed],
  ['a version with a nought', () => get({ version: 'HTTP/01.1' }), 400, malformed],
  ['HTTP/3 in words', () => get({ version: 'HTTP/3.0' }), 400, malformed],
  ['Content-Length that is empty', () => post({ headers: ['Content-Length:'] }), 400, malformed],
  ['Content-Length with an underscore', () => post({ headers: ['Content-Length: 1_0'] }), 400, malformed],
  ['Content-Length with a fraction', () => post({ headers: ['Content-Length: 2.0'] }), 400, malformed],
  ['Transfer-Encoding before Content-Length', () => post({ headers: ['Transfer-Encoding: chunked', `Content-Length: ${order.length}`] }), 400, malformed],
  ['a Transfer-Encoding twice', () => get({ method: 'POST', headers: ['Transfer-Encoding: chunked', 'Transfer-Encoding: identity'] }), 400, malformed],
  ['Content-Length with Transfer-Encoding', () => post({ headers: ['Transfer-Encoding: chunked'] }), 400, malformed],
  ['Content-Length twice, alike', () => post({ headers: [`Content-Length: ${order.length}`, `Content-Length: ${order.length}`] }), 400, malformed],
  ['Content-Length twice, unlike', () => post({ headers: ['Content-Length: 5', `Content-Length: ${order.length}`] }), 400, malformed],
  ['Content-Length as a list', () => post({ headers: [`Content-Length: ${order.length}, ${order.length}`] }), 400, malformed],
  ['Content-Length with a sign', () => post({ headers: [`Content-Length: +${order.length}`] }), 400, malformed],
  ['Content-Length that is negative', () => post({ headers: ['Content-Length: -1'] }), 400, malformed],
  ['Content-Length in hexadecimal', () => post({ headers: ['Content-Length: 0x10'] }), 400, malformed],
  ['Content-Length past every number', () => post({ headers: [`Content-Length: ${'9'.repeat(30)}`] }), 400, malformed],
  ['a chunked body', () => get({ method: 'POST', headers: ['Content-Type: application/json', 'Idempotency-Key: c', 'Transfer-Encoding: chunked', '', '2\r\n{}\r\n0'] }), 400, header],
  ['a Transfer-Encoding under another name', () => get({ method: 'POST', headers: ['Transfer-Encoding: xchunked'] }), 400, header],
  ['a Transfer-Encoding of two codings', () => get({ method: 'POST', headers: ['Transfer-Encoding: gzip, chunked'] }), 400, header],
  ['a Transfer-Encoding after a tab', () => get({ method: 'POST', headers: ['Transfer-Encoding:\tchunked'] }), 400, header],
  ['no Host', () => get().replace('Host: localhost\r\n', ''), 400, header],
  ['Host twice', () => get({ headers: ['Host: localhost'] }), 400, header],
  ['a Host of somebody else (DNS rebinding)', () => get().replace('Host: localhost', 'Host: evil.example'), 400, header],
  ['a Host with a path', () => get().replace('Host: localhost', 'Host: localhost/x'), 400, header],
  ['a Host with a user', () => get().replace('Host: localhost', 'Host: a@localhost'), 400, header],
  ['an empty Host', () => get().replace('Host: localhost', 'Host:'), 400, header],
  ['Authorization twice', () => get({ headers: [`Authorization: Bearer ${merchant.key}`] }), 400, header],
  ['Authorization past its length', () => get({ headers: [], key: 'a'.repeat(300) }), 400, header],
  ['Idempotency-Key twice', () => post({ headers: ['Idempotency-Key: a', 'Idempotency-Key: b'] }), 400, header],
  ['Idempotency-Key past its length', () => post({ headers: [`Idempotency-Key: ${'a'.repeat(256)}`] }), 400, header],
  ['Idempotency-Key with a space', () => post({ headers: ['Idempotency-Key: a b'] }), 400, header],
  ['an empty Idempotency-Key', () => post({ headers: ['Idempotency-Key: '] }), 400, header],
  ['X-HTTP-Method-Override', () => post({ headers: ['X-HTTP-Method-Override: DELETE'] }), 400, header],
  ['X-HTTP-Method', () => post({ headers: ['X-HTTP-Method: DELETE'] }), 400, header],
  ['X-Method-Override', () => post({ headers: ['X-Method-Override: DELETE'] }), 400, header],
  ['X-Forwarded-For', () => get({ headers: ['X-Forwarded-For: 127.0.0.1'] }), 400, header],
  ['X-Forwarded-Host', () => get({ headers: ['X-Forwarded-Host: localhost'] }), 400, header],
  ['X-Original-URL', () => get({ headers: ['X-Original-URL: /v1/payments'] }), 400, header],
  ['Forwarded', () => get({ headers: ['Forwarded: for=127.0.0.1'] }), 400, header],
  ['an unknown header', () => get({ headers: ['X-Anything: 1'] }), 400, header],
  ['a header whose name is a prototype\u2019s', () => get({ headers: ['__proto__: 1'] }), 400, header],
  ['a header whose name is a constructor\u2019s', () => get({ headers: ['constructor: 1'] }), 400, header],
  ['a cookie on the API', () => get({ headers: ['Cookie: a=b'] }), 400, header],
  ['an Origin on the API', () => get({ headers: ['Origin: https://evil.example'] }), 400, header],
  ['a value beyond ASCII', () => Buffer.from(get({ headers: ['User-Agent: \u00e9'] }), 'latin1'), 400, header],
  ['an unknown Expect', () => post({ headers: ['Expect: 200-ok'] }), 400, header],
  ['an Upgrade to h2c', () => get({ headers: ['Upgrade: h2c', 'HTTP2-Settings: AAMAAABkAAQAAP__'] }), 400, header],
  ['an Upgrade to a WebSocket', () => get({ headers: ['Connection: Upgrade', 'Upgrade: websocket'] }), 400, header],
  ['a Connection that names headers', () => get({ headers: ['Connection: close, authorization'] }), 400, header],
  ['a Trailer', () => post({ headers: ['Trailer: Authorization'] }), 400, header],
  ['a Range', () => get({ headers: ['Range: bytes=0-1'] }), 400, header],
  ['too many headers', () => get({ headers: Array.from({ length: headerCountMax }, (_, at) => `X-H${at}: 1`) }), 400, header],
  ['a body with a GET', () => get({ headers: ['Content-Length: 2', '', '{}'] }), 400, header],
  ['a body with a DELETE', () => get({ method: 'DELETE', target: '/v1/webhook_endpoints/whe_01k8z3f7q2e9d8m4n6p0r5s7tv', headers: ['Content-Length: 2', '', '{}'] }), 400, header],
  ['Content-Length with a nought that some read as octal', () => post({ headers: [`Content-Length: 0${order.length}`] }), 400, header],
  ['Content-Length under another name', () => get({ headers: ['Content_Length: 5'] }), 400, header],
  ['a Transfer-Encoding with an underscore', () => get({ method: 'POST', headers: ['Transfer_Encoding: chunked'] }), 400, header],
  ['Host twice, spelled otherwise', () => get({ headers: ['hOST: localhost'] }), 400, header],
  ['Host as a list', () => get().replace('Host: localhost', 'Host: localhost, evil.example'), 400, header],
  ['a Host with two ports', () => get().replace('Host: localhost', 'Host: localhost:443:80'), 400, header],
  ['a Host that begins as ours', () => get().replace('Host: localhost', 'Host: localhost.evil.example'), 400, header],
  ['Authorization twice, spelled otherwise', () => get({ headers: ['AUTHORIZATION: Bearer x'] }), 400, header],
  ['Authorization with an underscore', () => get({ headers: ['X_Authorization: Bearer x'] }), 400, header],
  ['Content-Type twice', () => post({ headers: ['Content-Type: application/json', 'Content-Type: text/html'] }), 400, header],
  ['User-Agent twice', () => get({ headers: ['User-Agent: a', 'User-Agent: a'] }), 400, header],
  ['a method override with underscores', () => post({ headers: ['X_HTTP_METHOD_OVERRIDE: DELETE'] }), 400, header],
  ['_method as a header', () => post({ headers: ['_method: DELETE'] }), 400, header],
  ['X-Rewrite-URL', () => get({ headers: ['X-Rewrite-URL: /reference'] }), 400, header],
  ['X-Real-IP', () => get({ headers: ['X-Real-IP: 127.0.0.1'] }), 400, header],
  ['True-Client-IP', () => get({ headers: ['True-Client-IP: 127.0.0.1'] }), 400, header],
  ['X-Forwarded-Proto', () => get({ headers: ['X-Forwarded-Proto: http'] }), 400, header],
  ['X-Host', () => get({ headers: ['X-Host: evil.example'] }), 400, header],
  ['Via', () => get({ headers: ['Via: 1.1 evil.example'] }), 400, header],
  ['Proxy (httpoxy)', () => get({ headers: ['Proxy: http://evil.example'] }), 400, header],
  ['Proxy-Authorization', () => get({ headers: ['Proxy-Authorization: Basic eDp5'] }), 400, header],
  ['Proxy-Connection', () => get({ headers: ['Proxy-Connection: keep-alive'] }), 400, header],
  ['TE', () => get({ headers: ['TE: trailers'] }), 400, header],
  ['Early-Data', () => get({ headers: ['Early-Data: 1'] }), 400, header],
  ['a Connection that names Host', () => get({ headers: ['Connection: Host'] }), 400, header],
  ['a Connection that names what is unknown', () => get({ headers: ['Connection: keep-alive, X-Anything'] }), 400, header],
  ['Connection twice', () => get({ headers: ['Connection: close', 'Connection: keep-alive'] }), 400, header],
  ['an Expect of two', () => post({ headers: ['Expect: 100-continue, 200-ok'] }), 400, header],
  ['an Expect without a body', () => get({ headers: ['Expect: 100-continue'] }), 400, header],
  ['a condition', () => post({ headers: ['If-Match: *'] }), 400, header],
  ['a referrer on the API', () => get({ headers: ['Referer: https://evil.example/'] }), 400, header],
  ['a browser\u2019s visit of the API', () => get({ headers: ['Upgrade-Insecure-Requests: 1'] }), 400, header],
  ['a preflight\u2019s header without a preflight', () => get({ headers: ['Access-Control-Request-Method: DELETE'] }), 400, header],
  ['a callback\u2019s header on the API', () => get({ headers: ['X-Callback-Url: https://evil.example/'] }), 400, header],
  ['a key where a callback comes', () => get({ method: 'PUT', target: '/v1/callbacks/mtn-momo/abc' }), 400, header],
  ['a vertical tab in a value', () => get({ headers: ['User-Agent: a\u000bb'] }), 400, malformed],
  ['DEL in a value', () => get({ headers: ['User-Agent: a\u007fb'] }), 400, malformed],
  ['an encoded line feed in a value that has none', () => get({ headers: ['Sec-Fetch-Mode: cors%0d%0aX: y'] }), 400, header],
  ['a compressed body', () => post({ headers: ['Content-Encoding: gzip'] }), 415, 'request/media_type'],
  ['a body compressed twice over', () => post({ headers: ['Content-Encoding: identity, gzip'] }), 415, 'request/media_type'],
  ['TRACE', () => get({ method: 'TRACE' }), 405, 'request/method_refused'],
  ['CONNECT of another host', () => 'PROPFIND /v1/payments HTTP/1.1\r\nHost: localhost\r\n\r\n', 405, 'request/method_refused'],
]

for (const [threat, bytes, status, code] of heads) {
  test(`refuses ${threat}, and ends the connection`, async () => {
    const answer = await send(bytes(), { untilClosed: true })
    assertRefused(answer, status, code, threat)
    assert.equal(answer.isClosed, true, threat)
    assert.equal(answer.headers.get('connection'), 'close', threat)
  })
}

const json = 'request/json_refused'
const bodies: readonly (readonly [string, () => string | Uint8Array, number, string])[] = [
  ['no body at all', () => '', 400, json],
  ['a body that is not JSON', () => 'amount=5', 400, json],
  ['a body cut off', () => order.slice(0, -1), 400, json],
  ['a second document behind the first', () => `${order}{}`, 400, json],
  ['a byte order mark', () => `\ufeff${order}`, 400, json],
  ['bytes that are not UTF-8', () => Buffer.concat([Buffer.from('{"amount":"'), Buffer.from([0xff, 0xfe]), Buffer.from('"}')]), 400, json],
  ['a duplicate key', () => order.replace('{"amount"', '{"amount":"1.00","amount"'), 400, json],
  ['a duplicate key in disguise', () => order.replace('{"amount"', '{"am\\u006funt":"1.00","amount"'), 400, json],
  ['__proto__', () => order.replace('{"amount"', '{"__proto__":{"amount":"1.00"},"amount"'), 400, json],
  ['constructor', () => order.replace('{"amount"', '{"constructor":{},"amount"'), 400, json],
  ['deep nesting', () => `${'['.repeat(9)}${']'.repeat(9)}`, 400, json],
  ['very deep nesting', () => '['.repeat(10_000), 400, json],
  ['many members', () => `[${'1,'.repeat(256)}1]`, 400, json],
  ['a huge number', () => '{"amount":1e400}', 400, json],
  ['a number that a double does not hold', () => '{"amount":12345678901234567890}', 400, json],
  ['a comment', () => `${order}//`, 400, json],
  ['NaN', () => '{"amount":NaN}', 400, json],
  ['a lone surrogate', () => order.replace('"r"', '"\\ud800"'), 400, json],
  ['a body past the limit', () => `{"amount":"${'5'.repeat(bodyBytesMax)}"}`, 413, 'request/too_large'],
  ['an array for an object', () => '[]', 422, 'request/invalid'],
  ['null for an object', () => 'null', 422, 'request/invalid'],
  ['an unknown member', () => order.replace('{', '{"status":"succeeded",'), 422, 'request/invalid'],
  ['an unknown member within', () => order.replace('{"phone"', '{"name":"x","phone"'), 422, 'request/invalid'],
  ['an amount that is a number', () => order.replace('"5.00"', '5.00'), 422, 'request/invalid'],
  ['an amount of nothing', () => order.replace('5.00', '0.00'), 422, 'request/invalid'],
  ['an amount below nothing', () => order.replace('5.00', '-5.00'), 422, 'request/invalid'],
  ['an amount with an exponent', () => order.replace('5.00', '5e2'), 422, 'request/invalid'],
  ['an amount with more digits than the currency', () => order.replace('5.00', '5.001'), 422, 'request/invalid'],
  ['an amount in other digits', () => order.replace('5.00', '\u0665'), 422, 'request/invalid'],
  ['another currency than the network\u2019s', () => order.replace('EUR', 'UGX'), 422, 'request/invalid'],
  ['a currency that is no currency', () => order.replace('EUR', 'XXX'), 422, 'request/invalid'],
  ['a network that is not configured', () => order.replace('mtn-sandbox', 'mtn-mars'), 422, 'request/invalid'],
  ['a network named like a prototype', () => order.replace('mtn-sandbox', 'constructor'), 422, 'request/invalid'],
  ['a number of another country', () => order.replace('+46', '+256'), 422, 'request/invalid'],
  ['a number that is no number', () => order.replace('+46733123499', '0733123499'), 422, 'request/invalid'],
  ['a reference with markup', () => order.replace('"r"', '"<script>"'), 422, 'request/invalid'],
]

for (const [threat, body, status, code] of bodies) {
  test(`refuses ${threat}, and writes nothing`, async () => {
    const answer = await send(post({ body: body() }))
    assertRefused(answer, status, code, threat)
    assert.doesNotMatch(answer.body, /733123499/, 'no value is echoed')
  })
}

test('a refused field is named, by its pointer', async () => {
  const answer = await send(post({ body: order.replace('EUR', 'UGX') }))
  assert.deepEqual((JSON.parse(answer.body) as { errors: { pointer: string }[] }).errors.map((one) => one.pointer), ['/currency', '/amount'])
  const missing = await send(post({ body: '{}' }))
  const { errors } = JSON.parse(missing.body) as { errors: { pointer: string; detail: string }[] }
  assert.deepEqual(errors.map((one) => one.pointer), ['/amount', '/currency', '/payer', '/reference'])
  assert.equal(errors[0]?.detail, 'This field is required.')
})

for (const type of ['text/plain', 'application/json; charset=latin1', 'application/jsonp', 'multipart/form-data; boundary=x', '']) {
  test(`refuses a body of the type "${type}"`, async () => {
    assertRefused(await send(post({ headers: [`Content-Type: ${type}`] })), 415, 'request/media_type', type)
  })
}

for (const query of ['limit=0', 'limit=101', 'limit=+5', 'limit=5.0', 'limit=1&limit=2', 'status=lost', 'cursor=', 'cursor=abc', 'cursor=%00', 'cursor=a%0d%0ab', 'offset=5', '_method=DELETE', '__proto__=1']) {
  test(`refuses the query ${query}`, async () => {
    assertRefused(await send(get({ target: `/v1/payments?${query}` })), 422, 'request/invalid', query)
  })
}

test('a query that names another method is refused where no query is known', async () => {
  assertRefused(await send(post({ target: '/v1/payments?_method=DELETE' })), 422, 'request/invalid', '_method')
})

test('what tracing libraries split comes as often as they like', async () => {
  assert.equal((await send(get({ headers: ['Tracestate: a=1', 'tracestate: b=2', 'Baggage: c=3', 'Baggage: d=4'] }))).status, 200)
})

test('a path that is not ours, and one that no id could have, are 404', async () => {
  for (const target of ['/', '/v1', '/v2/payments', '/v1/payments/x/y', '/reference/', '/metrics', '/healthz', '/admin']) {
    assertRefused(await send(get({ target })), 404, 'request/not_found', target)
  }
  for (const id of ['pay_x', 'pay_01k8z3f7q2e9d8m4n6p0r5s7tv', 'mer_01k8z3f7q2e9d8m4n6p0r5s7tv', '__proto__']) {
    assertRefused(await send(get({ target: `/v1/payments/${id}` })), 404, 'payments/unknown', id)
  }
})

test('a method that a path does not take is 405, and says which it takes', async () => {
  for (const method of ['HEAD', 'PATCH', 'OPTIONS', 'DELETE', 'PUT']) {
    const answer = await send(get({ method, target: '/v1/payments' }))
    assert.equal(answer.status, 405, method)
    assert.equal(answer.headers.get('allow'), 'POST, GET', method)
    assertShape(answer, method)
  }
})

test('a request that follows a refused one on the same connection is not read', async () => {
  const answer = await send(`${get({ headers: ['X-Smuggle: 1'] })}${get()}`, { untilClosed: true })
  assertRefused(answer, 400, header, 'smuggling')
  assert.doesNotMatch(answer.body, /HTTP\/1\.1/)
})

test('a body that a GET hides is not taken for a request', async () => {
  const hidden = get()
  const answer = await send(get({ headers: [`Content-Length: ${hidden.length}`, '', hidden.trimEnd()] }), { untilClosed: true })
  assertRefused(answer, 400, header, 'hidden')
  assert.doesNotMatch(answer.body, /HTTP\/1\.1/)
})

test('a client that asks first is told to go on, once its key was accepted', async () => {
  const bytes = post({ headers: ['Expect: 100-continue'] })
  const accepted = await send(bytes)
  assert.match(accepted.head, /^HTTP\/1\.1 100 Continue/)
  assert.match(accepted.body, /^HTTP\/1\.1 201/)
  const refused = await send(post({ headers: ['Expect: 100-continue'], key: 'x' }))
  assert.equal(refused.status, 401)
})

test('pipelined requests are answered in their order', async () => {
  const answer = await send(`${get({ target: '/v1/payments?limit=1' })}${get({ target: '/v1/nothing' })}${get()}`, { answers: 3 })
  assert.deepEqual([...`${answer.head}\n${answer.body}`.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status), ['200', '404', '200'])
})

test('plain HTTP reaches nothing', async () => {
  const answer = await new Promise<string>((resolve) => {
    const socket = connect({ host: '127.0.0.1', port: running.port })
    let text = ''
    socket.on('data', (chunk) => text += chunk.toString('latin1'))
    socket.on('error', () => undefined)
    socket.on('close', () => resolve(text))
    socket.on('connect', () => socket.write(get()))
  })
  assert.doesNotMatch(answer, /HTTP\//)
})

test('no attack wrote a row, and none reached the log as an alarm', async () => {
  const [{ count } = {}] = await running.database.asAdmin('SELECT count(*)::int AS count FROM ngome.payments')
  assert.equal(count, 2)
  assert.deepEqual(running.logLines.filter((line) => line.includes('"alarm"')), [])
})
