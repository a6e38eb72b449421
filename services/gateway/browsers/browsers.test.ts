import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { problemSchema } from '@ngome/contracts'
import { examples } from '../api/examples.ts'
import { operationNames, operations, type Operation, type OperationName } from '../api/operations.ts'
import { rawRequest, type RawAnswer } from '../testing/raw-request.ts'
import { TestGateway, type TestMerchant } from '../testing/test-gateway.ts'

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
  assert.equal(answer.headers.get('access-control-allow-headers'), 'authorization, content-type, idempotency-key')
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
