import assert from 'node:assert/strict'
import type { IncomingMessage } from 'node:http'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import { ManualClock, Secret, systemRandom, type MerchantId } from '@ngome/kernel'
import { TestAuthority } from '@ngome/testkit'
import { browsersAreHeldToTheirOrigins } from './probes/browsers-are-held-to-their-origins.ts'
import { runProbes } from './run-probes.ts'

const origin = 'https://probe.example'
type Said = { readonly status: number; readonly headers?: Readonly<Record<string, string>> }
type Answering = (request: { readonly method: string; readonly headers: IncomingMessage['headers'] }) => Said

const allows = (one: string | undefined): Readonly<Record<string, string>> => ({ 'access-control-allow-origin': one ?? '' })

/** What a gateway does that keeps the promise. */
const good: Answering = ({ method, headers }) => {
  if (method === 'OPTIONS') return { status: 204, headers: { ...allows(headers.origin), 'access-control-allow-methods': 'GET', vary: 'Origin' } }
  const mode = headers['sec-fetch-mode']
  if (headers.cookie !== undefined || (mode !== undefined && mode !== 'cors')) return { status: 403 }
  if (headers.origin !== undefined && (headers.authorization === 'Bearer secret' || headers.origin !== origin)) return { status: 403 }
  return { status: 200, headers: allows(headers.origin) }
}

let answering = good
let server: Server
let authority: TestAuthority
before(async () => {
  authority = await TestAuthority.create()
  const { key, cert } = await authority.issueWithKey('gateway')
  server = createServer({ key, cert, minVersion: 'TLSv1.3' }, (request, response) => {
    const { status, headers = {} } = answering({ method: request.method ?? '', headers: request.headers })
    response.writeHead(status, headers).end()
  })
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve) })
})
after(() => {
  server.closeAllConnections()
  server.close()
})

async function look(saboteur: Answering): Promise<{ status: string; evidence: string }> {
  answering = saboteur
  const tenant = { merchant: 'mer_01k8z3f7q2e9d8m4n6p0r5s7tv' as MerchantId, world: 'test' } as const
  const [result] = await runProbes([browsersAreHeldToTheirOrigins], {
    gateway: { name: 'localhost', host: '127.0.0.1', port: (server.address() as AddressInfo).port }, authority: authority.pem,
    merchant: () => Promise.resolve({ tenant, apiKey: new Secret('secret') }),
    browserKey: () => Promise.resolve({ apiKey: new Secret('publishable'), origin }),
    random: systemRandom,
  }, new ManualClock(0))
  assert.ok(result)
  return result
}

test('browsers: a gateway that serves the allowed origin alone holds', async () => {
  const { status, evidence } = await look(good)
  assert.equal(status, 'holds', evidence)
})

const sabotage: readonly (readonly [claim: string, saboteur: Answering, evidence: RegExp])[] = [
  ['refuses the allowed origin too', ({ method, headers }) => (method === 'GET' ? { status: 403 } : good({ method, headers })), /means nothing/],
  ['lets nobody read', (request) => ({ status: good(request).status }), /cannot read/],
  ['serves every origin', (request) => (request.method === 'GET' && request.headers.authorization === 'Bearer publishable'
    ? { status: 200, headers: allows(request.headers.origin) } : good(request)), /a foreign origin is answered with 200/],
  ['serves every origin, and only keeps it from reading', (request) => {
    const said = good(request)
    return request.headers.origin !== origin && said.status === 403 ? { status: 200 } : said
  }, /a foreign origin is answered with 200/],
  ['compares only the end of an origin', (request) => (request.headers.origin?.endsWith('probe.example') === true
    && request.headers.authorization === 'Bearer publishable' ? { status: 200, headers: allows(request.headers.origin) } : good(request)), /below the allowed origin/],
  ['serves a sandbox', (request) => (request.headers.origin === 'null' ? { status: 200 } : good(request)), /without an origin of its own/],
  ['shows refusals to everybody', (request) => {
    const said = good(request)
    return said.status === 403 ? { ...said, headers: allows('*') } : said
  }, /may read its refusal/],
  ['allows credentials', (request) => {
    const said = good(request)
    return said.status === 200 ? { ...said, headers: { ...said.headers, 'access-control-allow-credentials': 'true' } } : said
  }, /credentials/],
  ['sets a cookie', (request) => {
    const said = good(request)
    return said.status === 200 ? { ...said, headers: { ...said.headers, 'set-cookie': 'a=b' } } : said
  }, /cookie/],
  ['answers preflights of those only who are on a list', (request) => (request.method === 'OPTIONS' && request.headers.origin !== origin
    ? { status: 403 } : good(request)), /tells an allowed origin/],
  ['lets every origin ask', (request) => (request.method === 'OPTIONS' ? { status: 204, headers: allows('*') } : good(request)), /every origin/],
  ['takes a secret key from a browser', (request) => (request.headers.authorization === 'Bearer secret' && request.headers.origin === origin
    ? { status: 200 } : good(request)), /a secret key/],
  ['may be visited', (request) => (request.headers['sec-fetch-mode'] === 'navigate' ? { status: 200 } : good(request)), /a visit/],
  ['may be embedded', (request) => (request.headers['sec-fetch-dest'] === 'script' ? { status: 200 } : good(request)), /a script/],
  ['takes a cookie', (request) => (request.headers.cookie === undefined ? good(request) : { status: 200 }), /a cookie/],
]
for (const [claim, saboteur, expected] of sabotage) {
  test(`browsers: a gateway that ${claim} fails`, async () => {
    const { status, evidence } = await look(saboteur)
    assert.equal(status, 'fails', evidence)
    assert.match(evidence, expected)
  })
}
