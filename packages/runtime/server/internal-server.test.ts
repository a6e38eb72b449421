import assert from 'node:assert/strict'
import type { IncomingHttpHeaders } from 'node:http'
import { Agent, request as httpsRequest, type RequestOptions } from 'node:https'
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls'
import { after, before, describe, test } from 'node:test'
import { Fault, systemClock, systemRandom, type ProcessRole } from '@ngome/kernel'
import { TestAuthority, type IssueOptions } from '@ngome/testkit'
import { Gauge } from 'prom-client'
import { CustodianRefusal } from '../custodian/refusal.ts'
import { newCertificateRequest } from '../identity/certificate-request.ts'
import { createIdentity, type Identity } from '../identity/identity.ts'
import { spiffeId } from '../identity/spiffe.ts'
import { createLogger } from '../logs/create-logger.ts'
import { createMetrics } from '../metrics.ts'
import { internalServer } from './internal-server.ts'
import type { RunningServer } from './tls-server.ts'

type Credentials = { readonly key: string; readonly cert: string; readonly ca: string }
type Answer = { readonly status: number; readonly headers: IncomingHttpHeaders; readonly text: string; readonly json: Readonly<Record<string, unknown>> }

const authority = await TestAuthority.create()
const logged: string[] = []
const logger = createLogger({ process: 'test', level: 'trace', destination: { write: (line) => void logged.push(line) } })
const challenge = Buffer.alloc(16, 7).toString('base64url')

async function credentials(role: ProcessRole, options: IssueOptions = {}, from = authority): Promise<Credentials> {
  const { csr, privateKey } = await newCertificateRequest(role)
  return { key: privateKey.expose((pem) => pem), cert: await from.issue(csr, role, options), ca: authority.pem }
}

async function identityOf(role: ProcessRole, options: IssueOptions = {}): Promise<Identity> {
  const first = await newCertificateRequest(role)
  return createIdentity({
    role, signerId: null, statementKey: authority.statementKeys.publicKey, authority: authority.pem,
    first: { ...first, certificate: await authority.issue(first.csr, role, options) },
    renew: async (csr) => ({ certificate: await authority.issue(csr, role, options), authority: authority.pem }), clock: systemClock, random: systemRandom, logger,
  })
}

type Call = { readonly method?: string; readonly path?: string; readonly body?: string | Uint8Array; readonly headers?: Record<string, string> }

/** A call as an attacker would make it: with any certificate, any TLS and any bytes. */
function call(port: number, tls: RequestOptions, { method = 'POST', path = '/echo', body = '{}', headers = {} }: Call = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = httpsRequest({
      agent: false, host: '127.0.0.1', port, path, method, ...tls,
      headers: { 'content-type': 'application/json', ...headers },
    })
    request.once('error', reject)
    request.once('response', (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk)).once('error', reject).once('end', () => {
        const text = Buffer.concat(chunks).toString()
        const json = text.startsWith('{') ? JSON.parse(text) as Record<string, unknown> : {}
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text, json })
      })
    })
    request.end(method === 'GET' ? undefined : body)
  })
}

describe('the internal server', () => {
  let server: RunningServer
  let gateway: Credentials
  let operator: Credentials
  let notReady: string | null = null
  const seen: string[] = []
  const metrics = createMetrics({ process: 'dispatcher' })

  before(async () => {
    ;[gateway, operator] = await Promise.all([credentials('gateway'), credentials('operator')])
    metrics.registerMetric(new Gauge({ name: 'jobs_waiting', help: 'x', registers: [] }))
    server = await internalServer({
      identity: await identityOf('dispatcher'), host: '127.0.0.1', port: 0, clock: systemClock, random: systemRandom, logger, metrics,
      routes: [
        { method: 'POST', path: '/echo', callers: ['gateway'], handle: async ({ caller, body, header }) => ({ caller, body, header: header('ngome-challenge') ?? null }) },
        { method: 'POST', path: '/small', callers: ['gateway'], bodyBytesMax: 16, handle: async () => ({}) },
        { method: 'POST', path: '/fault', callers: ['gateway'], handle: async () => { throw new Fault('store/unavailable', 'planted', { fields: [{ pointer: '/a', detail: 'b' }] }) } },
        { method: 'POST', path: '/bug', callers: ['gateway'], handle: async () => { throw new TypeError('planted') } },
        { method: 'POST', path: '/refuse', callers: ['gateway'], handle: async () => { throw new CustodianRefusal('planted', { refusal: { statement: 's', signature: 'AA' } }) } },
        { method: 'POST', path: '/admit', callers: ['gateway'], admit: async ({ header }) => { if (header('x') === undefined) throw new Fault('custodian/refused', 'x') }, handle: async ({ serial }) => ({ serial }) },
      ],
      readiness: { database: () => notReady, queue: async () => null },
      selfTests: { egress: (input) => ({ saw: input.challenge }) },
      onUnknownPath: async ({ caller, path }) => void seen.push(`${caller} ${path}`),
    })
  })
  after(() => server.close())

  test('answers a caller with a role that the route allows', async () => {
    const answer = await call(server.port, gateway, { body: '{"a":[1]}', headers: { 'ngome-challenge': 'x' } })
    assert.equal(answer.status, 200)
    assert.deepEqual(answer.json, { caller: 'gateway', body: { a: [1] }, header: 'x' })
    assert.equal(answer.headers['cache-control'], 'no-store')
  })

  test('passes each value of a header that is sent once only', async () => {
    const socket = await connectTls(server.port, gateway)
    socket.write('POST /echo HTTP/1.1\r\nhost: x\r\nngome-challenge: a\r\nngome-challenge: b\r\ncontent-type: application/json\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}')
    assert.match(await readAll(socket), /"header":null/)
  })

  const strangers: readonly (readonly [claim: string, options: () => Promise<ConnectionOptions>])[] = [
    ['no certificate', async () => ({ ca: authority.pem })],
    ['a certificate of another authority', async () => credentials('gateway', {}, await TestAuthority.create())],
    ['a certificate of another authority of our name', async () => credentials('gateway', {}, await TestAuthority.create('Ngome test authority'))],
    ['a certificate that has expired', () => credentials('gateway', { notBefore: new Date(Date.now() - 9000), notAfter: new Date(Date.now() - 1000) })],
    ['a certificate that is not valid yet', () => credentials('gateway', { notBefore: new Date(Date.now() + 60_000) })],
    ['TLS 1.2', async () => ({ ...gateway, maxVersion: 'TLSv1.2', minVersion: 'TLSv1.2' })],
    ['a certificate without its key', async () => ({ ca: authority.pem, cert: gateway.cert, key: operator.key })],
  ]
  for (const [claim, options] of strangers) {
    test(`refuses in the handshake: ${claim}`, async () => {
      await assert.rejects(async () => call(server.port, await options()), (error: NodeJS.ErrnoException) => {
        assert.match(error.code ?? '', /^(?:ERR_SSL|ECONNRESET|ERR_OSSL|EPIPE|EPROTO)/)
        return true
      })
    })
  }

  const impostors: readonly (readonly [claim: string, role: ProcessRole, uris: readonly string[] | undefined])[] = [
    ['a role that the route does not name', 'dispatcher', undefined],
    ['the custodian, which calls nobody', 'custodian', undefined],
    ['two roles', 'gateway', [spiffeId('gateway'), spiffeId('operator')]],
    ['no role', 'gateway', []],
    ['a role of another domain', 'gateway', ['spiffe://ngome.example/gateway']],
  ]
  for (const [claim, role, uris] of impostors) {
    test(`refuses the caller: ${claim}`, async () => {
      const answer = await call(server.port, await credentials(role, uris === undefined ? {} : { uris }))
      assert.equal(answer.status, 403)
      assert.equal(answer.json['code'], 'identity/caller_refused')
      assert.equal(answer.headers['content-type'], 'application/problem+json')
    })
  }

  const refusals: readonly (readonly [claim: string, call: Call, status: number, code: string])[] = [
    ['a body past the bound of the route', { path: '/small', body: '{"a":"123456789"}' }, 413, 'request/too_large'],
    ['a body past the bound of all', { body: `"${'x'.repeat(300_000)}"` }, 413, 'request/too_large'],
    ['another media type', { headers: { 'content-type': 'text/plain' } }, 415, 'request/media_type'],
    ['a key twice', { body: '{"a":1,"a":2}' }, 400, 'request/json_refused'],
    ['a key that reaches for prototypes', { body: '{"__proto__":1}' }, 400, 'request/json_refused'],
    ['a body that nests too deep', { body: '['.repeat(9) + ']'.repeat(9) }, 400, 'request/json_refused'],
    ['a body that is not UTF-8', { body: new Uint8Array([0x22, 0xff, 0x22]) }, 400, 'request/json_refused'],
    ['an empty body', { body: '' }, 400, 'request/json_refused'],
    ['a path that there is not', { path: '/nothing' }, 404, 'request/not_found'],
    ['another method', { method: 'PUT' }, 404, 'request/not_found'],
    ['a path that cannot be decoded', { path: '/%ff' }, 400, 'request/malformed'],
    ['what its own gate refuses', { path: '/admit' }, 403, 'custodian/refused'],
  ]
  for (const [claim, wrong, status, code] of refusals) {
    test(`refuses ${claim}`, async () => {
      const answer = await call(server.port, gateway, wrong)
      assert.equal(answer.status, status)
      assert.equal(answer.json['code'], code)
      assert.match(String(answer.json['request_id']), /^req_/)
    })
  }

  test('refuses headers that are too large', async () => {
    const answer = await call(server.port, gateway, { headers: { x: 'y'.repeat(9000) } })
    assert.equal(answer.status, 431)
  })

  test('tells who looked for a path that there is not', () => {
    assert.ok(seen.includes('gateway /nothing'))
  })

  test('lets through what its own gate admits, with the serial number of the certificate', async () => {
    assert.match(String((await call(server.port, gateway, { path: '/admit', headers: { x: '1' } })).json['serial']), /^[0-9a-f]{8,}$/)
  })

  test('answers a fault with its public words, and a bug with none', async () => {
    const fault = await call(server.port, gateway, { path: '/fault' })
    assert.equal(fault.status, 503)
    assert.deepEqual({ ...fault.json, request_id: '' }, {
      type: 'urn:ngome:fault:store/unavailable', title: 'Try again shortly.', status: 503, code: 'store/unavailable',
      request_id: '', errors: [{ pointer: '/a', detail: 'b' }],
    })
    const bug = await call(server.port, gateway, { path: '/bug' })
    assert.equal(bug.status, 500)
    assert.equal(bug.json['code'], 'gateway/internal')
    for (const { text } of [fault, bug]) assert.ok(!text.includes('planted'))
    assert.ok(logged.some((line) => line.includes('TypeError: planted') && line.includes(String(bug.json['request_id']))))
  })

  test('carries the custodian\'s signed refusal', async () => {
    const answer = await call(server.port, gateway, { path: '/refuse' })
    assert.equal(answer.status, 403)
    assert.deepEqual(answer.json['refusal'], { statement: 's', signature: 'AA' })
  })

  test('tells every process of ours its health, readiness and metrics', async () => {
    const get = async (path: string) => call(server.port, operator, { method: 'GET', path })
    assert.deepEqual((await get('/healthz')).json, { alive: true, role: 'dispatcher' })
    const ready = await get('/readyz')
    assert.equal(ready.status, 200)
    assert.deepEqual(ready.json['checks'], {
      database: { ready: true, reason: null }, queue: { ready: true, reason: null }, identity: { ready: true, reason: null },
    })
    notReady = 'store/unavailable'
    const not = await get('/readyz')
    notReady = null
    assert.equal(not.status, 503)
    assert.equal(not.json['ready'], false)
    assert.deepEqual((not.json['checks'] as Record<string, unknown>)['database'], { ready: false, reason: 'store/unavailable' })
    const { text } = await get('/metrics')
    for (const name of ['process_cpu_seconds_total', 'process_resident_memory_bytes', 'nodejs_eventloop_delay_p99_seconds', 'jobs_waiting']) {
      assert.match(text, new RegExp(`^${name}\\{process="dispatcher"\\} `, 'm'))
    }
  })

  test('runs a self-test for the operator alone', async () => {
    const body = JSON.stringify({ challenge })
    assert.deepEqual((await call(server.port, operator, { path: '/self-test/egress', body })).json, { saw: challenge })
    assert.equal((await call(server.port, gateway, { path: '/self-test/egress', body })).status, 403)
    for (const name of ['nothing', 'constructor', '__proto__', 'toString']) {
      assert.equal((await call(server.port, operator, { path: `/self-test/${name}`, body })).status, 404)
    }
    for (const wrong of ['{}', '{"challenge":"AAAA"}', `{"challenge":"${'A'.repeat(200)}"}`, '{"challenge":7}']) {
      assert.equal((await call(server.port, operator, { path: '/self-test/egress', body: wrong })).status, 422)
    }
  })
})

function connectTls(port: number, options: ConnectionOptions): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, ...options }, () => resolve(socket))
    socket.once('error', reject)
  })
}

function readAll(socket: TLSSocket): Promise<string> {
  return new Promise((resolve) => {
    let text = ''
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString()
    }).once('close', () => resolve(text))
  })
}

const soon = () => new Date(Math.ceil(Date.now() / 1000) * 1000 + 2000)
const until = (date: Date) => new Promise((resolve) => setTimeout(resolve, date.getTime() - Date.now() + 50))

describe('a certificate that ends while a connection stands', () => {
  const base = { host: '127.0.0.1', port: 0, clock: systemClock, random: systemRandom, logger, metrics: createMetrics({ process: 'test' }) }

  test('is refused on that connection, and on one that resumes its session', async () => {
    const server = await internalServer({ ...base, identity: await identityOf('dispatcher') })
    const notAfter = soon()
    const shortLived = await credentials('gateway', { notAfter })
    const agent = new Agent({ ...shortLived, keepAlive: true, maxSockets: 1 })
    const get = { method: 'GET', path: '/healthz' }
    assert.equal((await call(server.port, { agent }, get)).status, 200)
    const socket = await connectTls(server.port, shortLived)
    const session = await new Promise<Buffer>((resolve) => {
      socket.once('session', resolve)
      socket.write('GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n')
    })
    socket.destroy()
    await until(notAfter)
    assert.equal((await call(server.port, { agent }, get)).status, 403)
    const resumed = await connectTls(server.port, { ...shortLived, session }).catch(() => undefined)
    if (resumed !== undefined) {
      resumed.write('GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n')
      assert.doesNotMatch(await readAll(resumed), /^HTTP\/1\.1 200/)
    }
    agent.destroy()
    await server.close()
  })

  test('makes the server itself refuse everything', async () => {
    const notAfter = soon()
    const server = await internalServer({ ...base, identity: await identityOf('dispatcher', { notAfter }) })
    const agent = new Agent({ ...await credentials('gateway'), keepAlive: true, maxSockets: 1 })
    const get = { method: 'GET', path: '/healthz' }
    assert.equal((await call(server.port, { agent }, get)).status, 200)
    await until(notAfter)
    const answer = await call(server.port, { agent }, get)
    assert.equal(answer.status, 503)
    assert.equal(answer.json['code'], 'identity/expired')
    agent.destroy()
    await server.close()
  })

  const answers: readonly (readonly [string, () => Promise<boolean>])[] = [
    ['no', async () => false],
    ['a late no', async () => until(new Date()).then(() => false)],
    ['no answer', async () => Promise.reject(new Error('the store is away'))],
  ]
  for (const [name, acceptsPeer] of answers) {
    test(`may be refused for more than TLS knows, before any request: ${name}`, async () => {
      const server = await internalServer({ ...base, identity: await identityOf('dispatcher'), acceptsPeer })
      await assert.rejects(call(server.port, await credentials('gateway'), { method: 'GET', path: '/healthz' }))
      await server.close()
    })
  }

  test('waits for the answer whether it is accepted', async () => {
    const acceptsPeer = async () => until(new Date()).then(() => true)
    const server = await internalServer({ ...base, identity: await identityOf('dispatcher'), acceptsPeer })
    assert.equal((await call(server.port, await credentials('gateway'), { method: 'GET', path: '/healthz' })).status, 200)
    await server.close()
  })
})