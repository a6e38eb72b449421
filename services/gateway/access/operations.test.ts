import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { newApiKey } from '@ngome/access'
import { problemSchema } from '@ngome/contracts'
import { systemClock, systemRandom } from '@ngome/kernel'
import type { Answer } from '@ngome/testkit'
import { operationNames, operations, type Operation, type OperationName } from '../api/operations.ts'
import { examples } from '../api/examples.ts'
import { TestGateway, type TestMerchant } from '../testing/test-gateway.ts'

let running: TestGateway
let owner: TestMerchant
let other: TestMerchant
const ids: Record<string, string> = {}

before(async () => {
  running = await TestGateway.start({ config: (config) => ({ ...config, egress: { allowPrivate: ['127.0.0.1:9999'] } }) })
  owner = await running.addMerchant()
  other = await running.addMerchant()
  ids['payment'] = idOf(await call(owner, 'createPayment'))
  ids['token'] = idOf(await call(owner, 'createVaultToken'))
  ids['endpoint'] = idOf(await call(owner, 'createWebhookEndpoint'))
  await running.allow(owner, 'https://acquirer.example.com/v2/')
  const forwarded = await owner.client.call({
    method: 'POST', path: '/v1/forward', idempotencyKey: 'forward',
    body: { method: 'POST', url: 'https://acquirer.example.com/v2/charges', json: [`{{${ids['token']}}}`] },
  })
  assert.equal(forwarded.status, 202, forwarded.text)
  ids['forward'] = (JSON.parse(forwarded.text) as { id: string }).id
})
after(() => running.close())

function idOf(answer: Answer): string {
  assert.equal(answer.status, 201, answer.text)
  return (JSON.parse(answer.text) as { id: string }).id
}

let serial = 0
const pathOf: Partial<Record<OperationName, () => string>> = {
  getPayment: () => `/v1/payments/${ids['payment'] ?? ''}`,
  getForward: () => `/v1/forwards/${ids['forward'] ?? ''}`,
  getVaultToken: () => `/v1/vault/tokens/${ids['token'] ?? ''}`,
  deleteVaultToken: () => `/v1/vault/tokens/${ids['token'] ?? ''}`,
  replaceWebhookSecret: () => `/v1/webhook_endpoints/${ids['endpoint'] ?? ''}/secret`,
  deleteWebhookEndpoint: () => `/v1/webhook_endpoints/${ids['endpoint'] ?? ''}`,
}

function call(
  as: Pick<TestMerchant, 'client'>, name: OperationName, headers: Record<string, string> = {}, path = pathOf[name]?.(),
): Promise<Answer> {
  const operation: Operation = operations[name]
  const body = examples[name]?.request
  return as.client.call({
    method: operation.method,
    path: path ?? operation.path,
    headers,
    ...(body === undefined ? {} : { body }),
    ...(operation.needsIdempotencyKey === true ? { idempotencyKey: `op-${++serial}` } : {}),
  })
}

const protectedNames = operationNames.filter((name) => operations[name].credentials === 'api-key')
const unauthenticated = 'access/unauthenticated'

/** All that a refusal says, without what is its own each time. */
function saidBy(answer: Answer): unknown {
  const { request_id: requestId, ...said } = problemSchema.parse(JSON.parse(answer.text))
  assert.equal(answer.headers['request-id'], requestId)
  const { date: _date, 'request-id': _id, 'content-length': _length, ...headers } = answer.headers
  return { ...said, headers }
}

function assertCode(answer: Answer, status: number, code: string): void {
  assert.equal(answer.status, status, answer.text)
  assert.equal(problemSchema.parse(JSON.parse(answer.text)).code, code)
}

const key = (): string => newApiKey({ world: 'test', clock: systemClock, random: systemRandom }).text.expose((text) => text)
/** Whatever is wrong with a credential, the answer must be the same. */
const credentials: readonly (readonly [string, () => string])[] = [
  ['no scheme', () => owner.key],
  ['another scheme', () => `Basic ${Buffer.from(`${owner.key}:`).toString('base64')}`],
  ['a scheme in lower case', () => `bearer ${owner.key}`],
  ['garbage', () => 'Bearer garbage'],
  ['a key that is cut off', () => `Bearer ${owner.key.slice(0, -1)}`],
  ['a key with one character changed', () => `Bearer ${owner.key.slice(0, 50)}${owner.key[50] === 'a' ? 'b' : 'a'}${owner.key.slice(51)}`],
  ['a key that was never issued', () => `Bearer ${key()}`],
  ['a live key of the same id', () => `Bearer ${owner.key.replace('_test_', '_live_')}`],
  ['two keys', () => `Bearer ${owner.key} ${owner.key}`],
]

test('the list of operations is whole', () => {
  assert.equal(operationNames.length, 20)
  assert.equal(protectedNames.length, 15)
})

for (const name of protectedNames) {
  test(`${name} refuses every bad credential alike`, async () => {
    const said = new Set<string>()
    for (const [what, authorization] of credentials) {
      const answer = await call(owner, name, { authorization: authorization() })
      assert.equal(answer.status, 401, `${what}: ${answer.text}`)
      assert.equal(answer.headers['www-authenticate'], 'Bearer realm="ngome"', what)
      said.add(JSON.stringify(saidBy(answer)))
    }
    assert.equal(said.size, 1, [...said].join('\n'))
  })

  test(`${name} refuses a request without credentials`, async () => {
    const bare = running.client('x')
    assertCode(await call({ client: bare }, name, { authorization: '' }), 401, unauthenticated)
  })

  test(`${name} shows another merchant nothing`, async () => {
    const answer = await call(other, name)
    if (operations[name].path.includes(':id')) {
      assert.equal(answer.status, 404, answer.text)
      const absent = await call(other, name, {}, operations[name].path.replace(':id', absentId(name)))
      assert.deepEqual(saidBy(answer), saidBy(absent), 'not yours and not there are the same')
    }
    for (const id of Object.values(ids)) assert.doesNotMatch(answer.text, new RegExp(id), name)
  })
}

function absentId(name: OperationName): string {
  const prefix = name === 'getPayment' ? 'pay' : name === 'getForward' ? 'fwd' : operations[name].path.includes('webhook') ? 'whe' : 'tok'
  return `${prefix}_01k8z3f7q2e9d8m4n6p0r5s7tv`
}

test('a key that was revoked is refused by every operation, soon', async () => {
  const merchant = await running.addMerchant()
  assert.equal((await call(merchant, 'listPayments')).status, 200)
  await running.revoke(merchant)
  await sleep(400)
  for (const name of protectedNames) assertCode(await call(merchant, name), 401, unauthenticated)
})

test('a frozen merchant is refused by every operation, and served again when it thaws', async () => {
  const merchant = await running.addMerchant()
  assert.equal((await call(merchant, 'listPayments')).status, 200)
  await running.freeze(merchant)
  await sleep(400)
  for (const name of protectedNames) assertCode(await call(merchant, name), 403, 'access/merchant_frozen')
  await running.freeze(merchant, false)
  await sleep(400)
  assert.equal((await call(merchant, 'listPayments')).status, 200)
})

test('a key\u2019s verifier that was copied to another merchant\u2019s row opens nothing', async () => {
  const thief = await running.addMerchant()
  await running.database.asAdmin(
    'UPDATE ngome.api_keys SET verifier = (SELECT verifier FROM ngome.api_keys WHERE id = $1) WHERE id = $2',
    [owner.keyId, thief.keyId],
  )
  assertCode(await call(thief, 'listPayments'), 401, unauthenticated)
})

test('operations without an API key need none', async () => {
  const bare = running.client('x')
  for (const path of ['/v1/openapi.json', '/reference']) {
    assert.equal((await bare.call({ path, headers: { authorization: '' } })).status, 400, 'a credential where none is taken')
  }
})
