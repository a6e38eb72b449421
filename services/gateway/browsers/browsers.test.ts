import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { problemSchema } from '@ngome/contracts'
import { Secret, systemRandom } from '@ngome/kernel'
import { probes, type Probe } from '@ngome/verify'
import { examples } from '../api/examples.ts'
import { operationNames, operations, type Operation, type OperationName } from '../api/operations.ts'
import { rawRequest, type RawAnswer } from '../testing/raw-request.ts'
import { TestGateway, type TestMerchant } from '../testing/test-gateway.ts'

/** How long a change may take to be seen, and a while more. */
const seenMs = 400

let running: TestGateway
let merchant: TestMerchant

before(async () => {
  running = await TestGateway.start()
  merchant = await running.addMerchant()
})
after(() => running.close())

const send = (line: string, ...headers: readonly string[]): Promise<RawAnswer> =>
  rawRequest({ port: running.port, ca: running.custody.authority.pem }, [`${line} HTTP/1.1`, 'Host: localhost', ...headers, '', ''].join('\r\n'))
const key = (): string => `Authorization: Bearer ${merchant.key}`
const codeOf = (answer: RawAnswer): string => problemSchema.parse(JSON.parse(answer.body)).code
const pathOf = (name: OperationName): string => operations[name].path.replaceAll(/:[a-z]+/g, 'x')
const corsHeaders = (answer: RawAnswer): string[] => [...answer.headers.keys()].filter((name) => name.startsWith('access-control-'))
/** What an answer says, without what is its own each time. */
function saidBy({ head, body }: RawAnswer): string {
  return `${head}\n${body}`.replaceAll(/req_[0-9a-z]{26}|^date: .*$/gim, '')
}

const shop = 'Origin: https://shop.example'
const preflight = (path: string, method: string, ...headers: readonly string[]): Promise<RawAnswer> =>
  send(`OPTIONS ${path}`, shop, `Access-Control-Request-Method: ${method}`, ...headers)

test('a preflight for what pages may call is answered, with the strict headers of every answer', async () => {
  const answer = await preflight('/v1/vault/tokens', 'POST', 'Access-Control-Request-Headers: authorization,content-type,idempotency-key',
    'Sec-Fetch-Mode: cors', 'Sec-Fetch-Site: cross-site', 'Sec-Fetch-Dest: empty', 'Referer: https://shop.example/')
  assert.equal(answer.status, 204, answer.body)
  assert.equal(answer.headers.get('access-control-allow-origin'), 'https://shop.example')
  assert.equal(answer.headers.get('access-control-allow-methods'), 'POST')
  assert.equal(answer.headers.get('access-control-allow-headers'), 'authorization, accept-signature, content-type, content-digest, idempotency-key')
  assert.equal(answer.headers.get('access-control-max-age'), '600')
  assert.equal(answer.headers.get('access-control-allow-credentials'), undefined)
  assert.equal(answer.headers.get('vary'), 'Origin')
  assert.equal(answer.headers.get('strict-transport-security'), 'max-age=63072000; includeSubDomains')
  assert.equal(answer.headers.get('cache-control'), 'no-store')
})

const threats: readonly (readonly [string, () => Promise<RawAnswer>, number, string])[] = [
  ['from no origin', () => send('OPTIONS /v1/vault/keys', 'Access-Control-Request-Method: GET'), 403, 'access/origin_refused'],
  ['from a sandbox', () => send('OPTIONS /v1/vault/keys', 'Origin: null', 'Access-Control-Request-Method: GET'), 403, 'access/origin_refused'],
  ['from two origins', () => preflight('/v1/vault/keys', 'GET', 'Origin: https://evil.example'), 400, 'request/header_refused'],
  ['with a key', () => preflight('/v1/vault/keys', 'GET', key()), 400, 'request/header_refused'],
  ['with a cookie', () => preflight('/v1/vault/keys', 'GET', 'Cookie: a=b'), 400, 'request/header_refused'],
  ['with a body', () => preflight('/v1/vault/keys', 'GET', 'Content-Length: 2', '', '{}'), 400, 'request/header_refused'],
  ['for a method that is for servers', () => preflight('/v1/vault/tokens', 'GET'), 405, 'request/method_refused'],
  ['for a method that there is not', () => preflight('/v1/vault/keys', 'DELETE'), 405, 'request/method_refused'],
  ['for another header', () => preflight('/v1/vault/keys', 'GET', 'Access-Control-Request-Headers: x-anything'), 400, 'request/header_refused'],
  ['in another way than browsers ask', () => preflight('/v1/vault/keys', 'GET', 'Sec-Fetch-Mode: navigate'), 403, 'request/fetch_refused'],
]
for (const [how, ask, status, code] of threats) {
  test(`a preflight ${how} is refused, and allows nothing`, async () => {
    const answer = await ask()
    assert.deepEqual([answer.status, codeOf(answer), corsHeaders(answer)], [status, code, []])
  })
}

test('no preflight of any other path is answered', async () => {
  const paths = new Map<string, boolean>()
  for (const name of operationNames) {
    const { browsers }: Operation = operations[name]
    paths.set(pathOf(name), browsers === true || paths.get(pathOf(name)) === true)
  }
  for (const [path, isForPages] of paths) {
    const answer = await preflight(path, 'POST')
    if (!isForPages) assert.deepEqual([answer.status, corsHeaders(answer)], [405, []], path)
  }
  assert.equal((await preflight('/v1/nowhere', 'POST')).status, 404)
})

const metadata = (site: string, mode: string, dest: string): readonly string[] =>
  [`Sec-Fetch-Site: ${site}`, `Sec-Fetch-Mode: ${mode}`, `Sec-Fetch-Dest: ${dest}`]

test('every API route refuses what browsers visit and embed, with one answer, whether a key comes or not', async () => {
  for (const name of operationNames) {
    const { method, credentials }: Operation = operations[name]
    if (credentials === 'none') continue
    const said = new Set<string>()
    for (const headers of [
      metadata('cross-site', 'navigate', 'document'), metadata('none', 'navigate', 'document'), metadata('cross-site', 'navigate', 'iframe'),
      metadata('cross-site', 'no-cors', 'image'), metadata('same-site', 'no-cors', 'script'), metadata('cross-site', 'no-cors', 'empty'),
      ...(credentials === 'api-key' ? [[...metadata('cross-site', 'navigate', 'document'), key()]] : []),
    ]) {
      const answer = await send(`${method} ${pathOf(name)}`, ...headers)
      assert.deepEqual([answer.status, codeOf(answer)], [403, 'request/fetch_refused'], `${name} ${headers.join(', ')}`)
      said.add(saidBy(answer))
    }
    assert.equal(said.size, 1, name)
  }
})

test('a page may be visited, and neither framed nor taken into another site', async () => {
  for (const path of ['/reference', '/v1/openapi.json']) {
    assert.equal((await send(`GET ${path}`, ...metadata('cross-site', 'navigate', 'document'))).status, 200)
    for (const headers of [metadata('cross-site', 'navigate', 'iframe'), metadata('cross-site', 'no-cors', 'image'), metadata('cross-site', 'cors', 'empty')]) {
      assert.equal((await send(`GET ${path}`, ...headers)).status, 403, headers.join(', '))
    }
  }
})

test('no cookie counts: an API route takes none, a page says the same with one, and nothing ever sets one', async () => {
  for (const name of operationNames) {
    const { method, credentials }: Operation = operations[name]
    const cookie = `Cookie: session=${merchant.key}; authorization=Bearer%20${merchant.key}`
    const [without, with_] = [await send(`${method} ${pathOf(name)}`), await send(`${method} ${pathOf(name)}`, cookie)]
    if (credentials === 'none') assert.equal(saidBy(with_), saidBy(without), name)
    else assert.deepEqual([with_.status, codeOf(with_)], [400, 'request/header_refused'], name)
    for (const answer of [without, with_]) assert.equal(answer.headers.get('set-cookie'), undefined, name)
  }
})

test('a secret key from a browser is refused by what pages may call, without effect, and told of once', async () => {
  const bodies = { createVaultToken: JSON.stringify(examples.createVaultToken?.request) } as Partial<Record<OperationName, string>>
  for (const name of operationNames.filter((each) => (operations[each] as Operation).browsers === true)) {
    const { method }: Operation = operations[name]
    const body = bodies[name]
    const written = body === undefined ? [] : ['Content-Type: application/json', 'Idempotency-Key: seen', `Content-Length: ${Buffer.byteLength(body)}`]
    for (const origin of [shop, 'Origin: null', 'Origin: https://Evil.example/<script>']) {
      const answer = await send(`${method} ${pathOf(name)}`, key(), origin, ...written, ...(body === undefined ? [] : ['', body]))
      assert.deepEqual([answer.status, codeOf(answer), corsHeaders(answer)], [403, 'access/secret_key_in_browser', []])
    }
  }
  const [{ count } = {}] = await running.database.asAdmin('SELECT count(*)::int AS count FROM ngome.vault_tokens')
  assert.equal(count, 0)
  const seen = () => running.database.asAdmin(`SELECT severity, merchant, data FROM ngome.events WHERE type = 'api_key.seen_in_browser'`)
  while ((await seen()).length === 0) await sleep(10)
  assert.deepEqual(await seen(), [{
    severity: 'warning', merchant: merchant.tenant.merchant, data: { key: merchant.keyId, origin: 'https://shop.example' },
  }])
})

const shopOrigin = 'https://shop.example'
const from = (publishable: TestMerchant, origin: string, ...more: readonly string[]): Promise<RawAnswer> =>
  send('GET /v1/vault/keys', `Authorization: Bearer ${publishable.key}`, `Origin: ${origin}`, ...more)

test('a page of its merchant\u2019s origin reads the answer to a publishable key, refusals by the handler included', async () => {
  const publishable = await running.issueKey(merchant.tenant, { kind: 'publishable' })
  await running.setOrigin(merchant.tenant, shopOrigin)
  await sleep(seenMs)
  const answer = await from(publishable, shopOrigin, ...metadata('cross-site', 'cors', 'empty'))
  assert.equal(answer.status, 200, answer.body)
  assert.deepEqual(corsHeaders(answer), ['access-control-allow-origin', 'access-control-expose-headers'])
  assert.deepEqual(['access-control-allow-origin', 'vary'].map((name) => answer.headers.get(name)), [shopOrigin, 'Origin'])
  const invalid = await send('POST /v1/vault/tokens', `Authorization: Bearer ${publishable.key}`, shop, 'Content-Type: application/json',
    'Idempotency-Key: invalid', 'Content-Length: 2', '', '{}')
  assert.deepEqual([invalid.status, invalid.headers.get('access-control-allow-origin')], [422, shopOrigin])
})

test('any other origin is refused in the same words, and reads nothing; a program without one is served', async () => {
  const publishable = await running.issueKey(merchant.tenant, { kind: 'publishable' })
  const said = new Set<string>()
  for (const origin of [
    'https://evil.example', 'null', 'http://shop.example', 'https://shop.example:8443', 'https://www.shop.example', 'https://Shop.example',
    'https://shop.example.', 'https://shop.example/', 'https://xshop.example', 'https://shop.example.evil.example', '*', 'https://*.example',
  ]) {
    const answer = await from(publishable, origin)
    assert.deepEqual([answer.status, codeOf(answer), corsHeaders(answer)], [403, 'access/origin_refused', []], origin)
    said.add(saidBy(answer))
  }
  assert.equal(said.size, 1)
  assert.equal((await send('GET /v1/vault/keys', `Authorization: Bearer ${publishable.key}`)).status, 200)
})

test('origins are of one merchant and world, and one that is taken back is served no more, within the lease', async () => {
  const other = await running.addMerchant()
  const keys = await Promise.all([merchant.tenant, other.tenant, { ...merchant.tenant, world: 'live' } as const].map((tenant) => {
    running.custody.addTenant(tenant)
    return running.issueKey(tenant, { kind: 'publishable' })
  }))
  const statuses = () => Promise.all(keys.map(async (one) => (await from(one, 'https://two.example')).status))
  assert.deepEqual(await statuses(), [403, 403, 403])
  await running.setOrigin(merchant.tenant, 'https://two.example')
  await sleep(seenMs)
  assert.deepEqual(await statuses(), [200, 403, 403])
  await running.setOrigin(merchant.tenant, 'https://two.example', false)
  await sleep(seenMs)
  assert.deepEqual(await statuses(), [403, 403, 403])
})

test('no page calls what is for servers, whatever its key and origin', async () => {
  const publishable = await running.issueKey(merchant.tenant, { kind: 'publishable' })
  for (const name of operationNames) {
    const { method, credentials, browsers }: Operation = operations[name]
    if (credentials !== 'api-key' || browsers === true) continue
    for (const { key: text } of [publishable, merchant]) {
      const answer = await send(`${method} ${pathOf(name)}`, `Authorization: Bearer ${text}`, shop)
      assert.deepEqual([answer.status, codeOf(answer), corsHeaders(answer)], [400, 'request/header_refused', []], name)
    }
  }
})

test('the probes that the operator runs hold here', async () => {
  const publishable = await running.issueKey(merchant.tenant, { kind: 'publishable' })
  const [gateway, authority] = [{ name: 'localhost', host: '127.0.0.1', port: running.port }, running.custody.authority.pem]
  const asked = { tenant: merchant.tenant, apiKey: new Secret(merchant.key) }
  const target = {
    gateway, authority, random: systemRandom, merchant: () => Promise.resolve(asked),
    browserKey: () => Promise.resolve({ apiKey: new Secret(publishable.key), origin: shopOrigin }),
  }
  for (const id of ['browsers-are-held-to-their-origins', 'hostile-headers-are-refused']) {
    const probe = probes.find((one) => one.id === id) as Probe<typeof target> | undefined
    assert.ok(probe !== undefined)
    const verdict = await probe.run(target)
    assert.equal(verdict.status, 'holds', verdict.evidence)
  }
})
