import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { createServer, type Server } from 'node:tls'
import type { AddressInfo } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { EchoApi } from '../testing/echo-api.ts'
import { forbiddenPath, proxyIsMissing, proxyNames, startProxy, type Proxy } from '../testing/proxies.ts'

const key = 'Authorization: Bearer x'
const host = 'Host: localhost'
const json = ['Content-Type: application/json', 'Idempotency-Key: i']
/** The request that the proxy lets nobody make: if it arrives, it was smuggled. */
const poison = `GET ${forbiddenPath} HTTP/1.1\r\n${host}\r\n${key}\r\n\r\n`
/** As the beginning of a request that swallows the first line of whoever comes next. */
const prefix = `GET ${forbiddenPath} HTTP/1.1\r\n${host}\r\n${key}\r\nAccept: `
const hex = (text: string): string => text.length.toString(16)

function head(method: string, target: string, ...lines: readonly string[]): string {
  return [`${method} ${target} HTTP/1.1`, host, key, ...lines, '', ''].join('\r\n')
}
const post = (...lines: readonly string[]): string => head('POST', '/v1/payments', ...json, ...lines)
const get = (...lines: readonly string[]): string => head('GET', '/v1/payments', ...lines)
const chunked = (body: string): string => `${hex(body)}\r\n${body}\r\n0\r\n\r\n`

const both = `Content-Length: ${5 + poison.length}`
/** Spellings of a transfer coding that one reader may take and the next may not (TE.TE). */
const spellings = [
  'Transfer-Encoding: xchunked', 'Transfer-Encoding : chunked', 'Transfer-Encoding:\tchunked', 'Transfer-Encoding: chunked ',
  'Transfer-Encoding:\x0bchunked', ' Transfer-Encoding: chunked', 'X: x\nTransfer-Encoding: chunked', 'Transfer-Encoding: "chunked"',
  'Transfer-Encoding\r\n: chunked', 'Transfer-Encoding: identity, chunked', 'Transfer-Encoding: chunked, cow', 'Transfer_Encoding: chunked',
  'Transfer-Encoding: CHUNKED\r\nTransfer-Encoding: cow', 'Transfer-Encoding: \x00chunked', 'Transfer-Encoding:\r\n chunked',
]
/** One attack a row; each tries to have the gateway see a request that the proxy does not. */
const attacks: readonly (readonly [threat: string, bytes: string])[] = [
  ['CL.TE', `${post(both, 'Transfer-Encoding: chunked')}0\r\n\r\n${poison}`],
  ['CL.TE with a prefix', `${post(`Content-Length: ${5 + prefix.length}`, 'Transfer-Encoding: chunked')}0\r\n\r\n${prefix}`],
  ['TE.CL', `${post('Content-Length: 4', 'Transfer-Encoding: chunked')}${chunked(poison)}`],
  ...spellings.map((spelling): readonly [string, string] => [`TE.TE ${JSON.stringify(spelling)}`, `${post(both, spelling)}0\r\n\r\n${poison}`]),
  ['CL.0: a body of a GET', `${get(`Content-Length: ${poison.length}`)}${poison}`],
  ['CL.0: a body of a HEAD', `${head('HEAD', '/v1/payments', `Content-Length: ${poison.length}`)}${poison}`],
  ['CL.0: a body where no route is', `${head('POST', '/nothing', `Content-Length: ${poison.length}`)}${poison}`],
  ['CL.0: a body without a type', `${head('POST', '/v1/payments', `Content-Length: ${poison.length}`)}${poison}`],
  ['CL.0: a prefix in the body of a refused request', `${head('POST', '/v1/payments', `Content-Length: ${prefix.length}`)}${prefix}`],
  ['0.CL: chunks that hide a request', `${post('Transfer-Encoding: chunked')}${chunked(poison)}`],
  ['two lengths, unlike', `${post('Content-Length: 0', `Content-Length: ${poison.length}`)}${poison}`],
  ['two lengths, alike', `${post(`Content-Length: ${poison.length}`, `Content-Length: ${poison.length}`)}${poison}`],
  ['a list of lengths', `${post(`Content-Length: 0, ${poison.length}`)}${poison}`],
  ['a length with a sign', `${post(`Content-Length: +${poison.length}`)}${poison}`],
  ['a length in hexadecimal', `${post(`Content-Length: 0x${hex(poison)}`)}${poison}`],
  ['a length with leading zeros', `${post(`Content-Length: 000${poison.length}`)}${poison}`],
  ['a length folded onto the next line', `${post('Content-Length:', ` ${poison.length}`)}${poison}`],
  ['a length past every number', `${post(`Content-Length: ${2n ** 64n + BigInt(poison.length)}`)}${poison}`],
  ['a fold that hides a header', `${get('Accept: a', ' Content-Length: 10')}${poison}`],
  ['a bare line feed that ends the head', `${get('Accept: a\n\nGET / HTTP/1.1')}${poison}`],
  ['a bare carriage return in a value', `${get(`Accept: a\rContent-Length: ${poison.length}`)}${poison}`],
  ['a NUL in a value', `${get('Accept: a\0b')}${poison}`],
  ['a chunk extension with a line feed', `${post('Transfer-Encoding: chunked')}5;a=\nx\r\nhello\r\n0\r\n\r\n${poison}`],
  ['a chunk size past 64 bits', `${post('Transfer-Encoding: chunked')}1${'0'.repeat(16)}5\r\nhello\r\n0\r\n\r\n`],
  ['a chunk size with a space', `${post('Transfer-Encoding: chunked')}5 \r\nhello\r\n0\r\n\r\n`],
  ['a trailer that is a header', `${post('Transfer-Encoding: chunked')}0\r\nContent-Length: ${poison.length}\r\n\r\n`],
  ['an absolute target of another host', get().replace('/v1/payments', 'http://attacker.example/v1/payments')],
  ['an absolute target of the forbidden path', get().replace('/v1/payments', `http://localhost/v1/../${forbiddenPath.slice(1)}`)],
  ['the forbidden path, encoded', get().replace('/v1/payments', '/v1/%77ebhook_endpoints')],
  ['the forbidden path, with a dot', get().replace('/v1/payments', '/v1/./webhook_endpoints')],
  ['the forbidden path, doubled', get().replace('/v1/payments', '//v1/webhook_endpoints')],
  ['the key taken away as hop-by-hop', get('Connection: close, authorization')],
  ['the host taken away as hop-by-hop', get('Connection: close, host')],
  ['the length taken away as hop-by-hop', `${post(`Content-Length: ${poison.length}`, 'Connection: close, content-length')}${poison}`],
  ['a body that is to come, and does not', `${post('Content-Length: 2', 'Expect: 100-continue')}${poison}`],
  ['a body that is to come, of a GET', `${get(`Content-Length: ${poison.length}`, 'Expect: 100-continue')}${poison}`],
  ['an expectation that nobody knows', `${post('Content-Length: 2', 'Expect: 200-ok')}{}`],
  ['an upgrade that hides a request', `${get('Connection: Upgrade', 'Upgrade: h2c')}${poison}`],
  ['an upgrade to a websocket', `${get('Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 777')}${poison}`],
  ['the preface of HTTP/2', `PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n${poison}`],
  ['HTTP/0.9', `GET ${forbiddenPath}\r\n\r\n`],
  ['HTTP/1.0 with a kept connection', `${get('Connection: keep-alive').replace('HTTP/1.1', 'HTTP/1.0')}${poison}`],
  ['a version that nobody knows', get().replace('HTTP/1.1', 'HTTP/1.9')],
]

/** Sends bytes and reads until the other side ends it, falls silent, or has given as many answers. */
function exchange(port: number, bytes: string, answers: number, silenceMs: number): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port })
    let text = ''
    const end = (): void => {
      socket.destroy()
      resolve(text)
    }
    socket.setTimeout(silenceMs, end)
    socket.on('connect', () => socket.write(bytes, 'latin1')).on('close', end).on('error', end)
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1')
      if (text.split('"operation"').length > answers) end()
    })
  })
}

/** Requests of honest clients: each must get its own answer and nothing else. */
async function canaries(port: number): Promise<void> {
  for (const [first, second] of [[11, 12], [13, 14]] as const) {
    const text = await exchange(port, [first, second].map((limit) => head('GET', `/v1/payments?limit=${limit}`)).join(''), 2, 3_000)
    assert.deepEqual([...text.matchAll(/HTTP\/1\.1 ([0-9]{3})/g)].map(([, status]) => status), ['200', '200'], text)
    assert.deepEqual([...text.matchAll(/"operation":"(\w+)","query":\{"limit":(\d+)/g)].map(([, operation, limit]) => [operation, limit]),
      [['listPayments', String(first)], ['listPayments', String(second)]], text)
  }
}

for (const name of proxyNames) {
  describe(`behind ${name}`, { skip: proxyIsMissing(name) }, () => {
    let api: EchoApi
    let proxy: Proxy
    before(async () => {
      api = await EchoApi.start()
      proxy = await startProxy(name, api)
    })
    after(async () => {
      await proxy.stop()
      api.close()
    })

    test('connections are used again, without which nothing could be smuggled, and the forbidden path is forbidden', async () => {
      for (let round = 0; round < 3; round++) await canaries(proxy.port)
      assert.ok(api.connections.count < 6, `${api.connections.count} connections for 12 requests`)
      assert.match(await exchange(proxy.port, poison, 1, 500), /^HTTP\/1\.1 403/)
      assert.equal(api.handled.includes('listWebhookEndpoints'), false)
    })

    for (const [threat, bytes] of attacks) {
      test(`nothing is smuggled by ${threat}`, async () => {
        await exchange(proxy.port, bytes, 2, 60)
        await canaries(proxy.port)
        assert.equal(api.handled.includes('listWebhookEndpoints'), false)
      })
    }
  })
}

/** A server that takes no body for a body (CL.0), such as there are. */
function credulousServer(api: EchoApi, handled: string[]): Server {
  return createServer({ ...api.certificate, ALPNProtocols: ['http/1.1'] }, (socket) => {
    let text = ''
    socket.on('error', () => undefined).on('data', (chunk) => {
      text += chunk.toString('latin1')
      for (let end = text.indexOf('\r\n\r\n'); end >= 0; end = text.indexOf('\r\n\r\n')) {
        handled.push(text.slice(0, text.indexOf('\r\n')))
        text = text.slice(end + 4)
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}')
      }
    })
  })
}

test('the same attack succeeds on a server that can be fooled', { skip: proxyIsMissing('nginx') }, async (t) => {
  const api = await EchoApi.start()
  const handled: string[] = []
  const server = credulousServer(api, handled)
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve) })
  const proxy = await startProxy('nginx', { port: (server.address() as AddressInfo).port, ca: api.ca })
  t.after(async () => {
    await proxy.stop()
    server.close()
    api.close()
  })
  await exchange(proxy.port, `${get(`Content-Length: ${poison.length}`)}${poison}`, 2, 300)
  assert.ok(handled.some((line) => line.includes(forbiddenPath)), handled.join())
})
