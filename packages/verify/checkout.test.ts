import assert from 'node:assert/strict'
import type { IncomingMessage } from 'node:http'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import { ManualClock, Secret, systemRandom, type MerchantId } from '@ngome/kernel'
import { TestAuthority } from '@ngome/testkit'
import { checkoutPagesAreHeld } from './probes/checkout-pages-are-held.ts'
import { runProbes } from './run-probes.ts'

const origin = 'https://pay.example:8443'
const token = 'A'.repeat(48)
type Said = { readonly status: number; readonly headers?: Readonly<Record<string, string>>; readonly text?: string }
type Answering = (request: { readonly method: string; readonly url: string; readonly headers: IncomingMessage['headers'] }) => Said

const strict = {
  'content-security-policy': "default-src 'none'; style-src 'sha256-x'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
  'cache-control': 'no-store', 'referrer-policy': 'no-referrer', 'cross-origin-opener-policy': 'same-origin',
  'x-content-type-options': 'nosniff', 'x-frame-options': 'DENY',
}

/** What a gateway does that keeps the promise. */
const good: Answering = ({ method, url, headers }) => {
  if (url === '/v1/checkout_sessions' && headers.host === 'localhost') return { status: 201, text: JSON.stringify({ url: `${origin}/c/${token}` }) }
  if (headers.host !== 'pay.example:8443' || !url.startsWith('/c/')) return { status: 404 }
  if (headers['sec-fetch-site'] === 'cross-site') return { status: 403 }
  return { status: url === `/c/${token}` && method === 'GET' ? 200 : 404, headers: strict, text: '<!doctype html><p>Pay</p>' }
}
const isPage = (url: string): boolean => url === `/c/${token}`

let answering = good
let server: Server
let authority: TestAuthority
before(async () => {
  authority = await TestAuthority.create()
  const { key, cert } = await authority.issueWithKey('gateway')
  server = createServer({ key, cert, minVersion: 'TLSv1.3' }, (request, response) => {
    const { status, headers = {}, text = '' } = answering({ method: request.method ?? '', url: request.url ?? '', headers: request.headers })
    response.writeHead(status, headers).end(text)
  })
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve) })
})
after(() => {
  server.closeAllConnections()
  server.close()
})

async function look(saboteur: Answering, isOffered = true): Promise<{ status: string; evidence: string }> {
  answering = saboteur
  const tenant = { merchant: 'mer_01k8z3f7q2e9d8m4n6p0r5s7tv' as MerchantId, world: 'test' } as const
  const [result] = await runProbes([checkoutPagesAreHeld], {
    gateway: { name: 'localhost', host: '127.0.0.1', port: (server.address() as AddressInfo).port }, authority: authority.pem,
    merchant: () => Promise.resolve({ tenant, apiKey: new Secret('secret') }),
    checkout: () => isOffered ? { origin, network: { name: 'mtn-sandbox', currency: 'EUR', phonePrefix: '467' } } : undefined,
    random: systemRandom,
  }, new ManualClock(0))
  assert.ok(result)
  return result
}

test('checkout: a page that is nobody else\u2019s holds, and so does none', async () => {
  for (const isOffered of [true, false]) {
    const { status, evidence } = await look(good, isOffered)
    assert.equal(status, 'holds', evidence)
  }
})

/** A gateway whose page says something else. */
const with_ = (changes: Partial<Said> & { readonly headers?: Readonly<Record<string, string>> }): Answering => (request) => {
  const said = good(request)
  return isPage(request.url) && said.status === 200 ? { ...said, ...changes, headers: { ...said.headers, ...changes.headers } } : said
}
const policy = (from: string, to: string): Answering =>
  with_({ headers: { 'content-security-policy': strict['content-security-policy'].replace(from, to) } })

const sabotage: readonly (readonly [claim: string, saboteur: Answering, evidence: RegExp])[] = [
  ['makes links that lead elsewhere', (request) => (request.url === '/v1/checkout_sessions'
    ? { status: 201, text: JSON.stringify({ url: `https://evil.example/c/${token}` }) } : good(request)), /leads elsewhere/],
  ['serves a heavy page', with_({ text: 'x'.repeat(50_001) }), /weighs 50001 bytes/],
  ['serves a page with a font of others', with_({ text: '<style>@import "https://fonts.example"</style>' }), /fetches something/],
  ['serves a page with an image', with_({ text: '<p><img src=x>' }), /fetches something/],
  ['lets forms go elsewhere', policy("form-action 'self'", 'form-action *'), /form-action/],
  ['lets scripts in', policy("style-src 'sha256-x'", "script-src 'unsafe-inline'"), /lets in/],
  ['lets others frame its page', policy("; frame-ancestors 'none'", ''), /frame-ancestors/],
  ['lets its page be kept', with_({ headers: { 'cache-control': 'public' } }), /cache-control/],
  ['tells others where a payer came from', with_({ headers: { 'referrer-policy': 'unsafe-url' } }), /referrer-policy/],
  ['sets a cookie', with_({ headers: { 'set-cookie': 'a=b' } }), /cookie/],
  ['opens a page for an invented link', (request) => good(request.url.startsWith('/c/') ? { ...request, url: `/c/${token}` } : request), /an invented link is answered with 200/],
  ['is shown in a frame', (request) => (request.headers['sec-fetch-dest'] === 'iframe' ? { status: 200, headers: strict } : good(request)), /a frame/],
  ['is read by other sites', (request) => (request.headers['sec-fetch-mode'] === 'cors' ? { status: 200, headers: strict } : good(request)), /a script of another site/],
  ['takes other sites\u2019 forms', (request) => (request.method === 'POST' && isPage(request.url) ? { status: 303 } : good(request)), /a form of another site/],
  ['shows the page under the API\u2019s name', (request) => (isPage(request.url) && request.headers.host === 'localhost' ? { status: 200 } : good(request)), /the API.s name/],
  ['serves the API under the page\u2019s name', (request) => (request.url === '/v1/openapi.json' ? { status: 200 } : good(request)), /the page.s name/],
]
for (const [claim, saboteur, expected] of sabotage) {
  test(`checkout: a gateway that ${claim} fails`, async () => {
    const { status, evidence } = await look(saboteur)
    assert.equal(status, 'fails', evidence)
    assert.match(evidence, expected)
  })
}
