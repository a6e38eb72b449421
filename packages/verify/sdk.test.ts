import assert from 'node:assert/strict'
import { createServer, type Server } from 'node:https'
import type { IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, beforeEach, test } from 'node:test'
import { newApiKey } from '@ngome/access'
import { ManualClock, newId, systemClock, systemRandom } from '@ngome/kernel'
import { Ngome, type NgomeOptions } from '@ngome/sdk'
import { TestAuthority } from '@ngome/testkit'
import { sdkIntegratesSafely } from './probes/sdk-integrates-safely.ts'
import { runProbes } from './run-probes.ts'

const from = { clock: systemClock, random: systemRandom }
const tenant = { merchant: newId('merchant', from), world: 'test' } as const

/** What a gateway does with a call, in small; a test changes what it must not. */
let forgetsKeys = false
let problemCode = 'payments/unknown'
let tokens: { id: string; metadata: object }[] = []
const answers = new Map<string, string>()
let server: Server
let authority: TestAuthority

before(async () => {
  authority = await TestAuthority.create()
  server = createServer({ ...await authority.issueWithKey('gateway'), minVersion: 'TLSv1.3' }, (request, response) => {
    void handle(request).then(({ status, body }) => {
      const type = status < 400 ? 'application/json' : 'application/problem+json'
      // As long as the real one's, so that a lost answer is one.
      response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(body), 'x-padding': 'x'.repeat(800) }).end(body)
    })
  })
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve) })
})
after(() => {
  server.closeAllConnections()
  server.close()
})
beforeEach(() => {
  forgetsKeys = false
  problemCode = 'payments/unknown'
  tokens = []
  answers.clear()
})

async function handle(request: IncomingMessage): Promise<{ status: number; body: string }> {
  const text = Buffer.concat(await Array.fromAsync(request as AsyncIterable<Buffer>)).toString()
  const path = request.url ?? ''
  if (request.method === 'DELETE') return { status: 200, body: '{}' }
  if (path.startsWith('/v1/payments/')) {
    return { status: 404, body: JSON.stringify({ type: 'x', title: 'No.', status: 404, code: problemCode, request_id: newId('request', from) }) }
  }
  if (request.method === 'GET') return { status: 200, body: JSON.stringify({ object: 'list', data: path.includes('tokens') ? tokens : [], next_cursor: null }) }
  const key = forgetsKeys ? String(answers.size) : String(request.headers['idempotency-key'])
  const answer = answers.get(key)
  if (answer !== undefined) return { status: 201, body: answer }
  const { metadata } = JSON.parse(text) as { metadata: object }
  const token = { id: newId('vaultToken', from), metadata }
  tokens.push(token)
  answers.set(key, JSON.stringify(token))
  return { status: 201, body: JSON.stringify(token) }
}

async function look(makeClient?: (options: NgomeOptions) => Ngome, port?: number): Promise<{ status: string; evidence: string }> {
  const [result] = await runProbes([sdkIntegratesSafely], {
    gateway: { name: 'localhost', host: '127.0.0.1', port: port ?? (server.address() as AddressInfo).port },
    authority: authority.pem, random: systemRandom,
    merchant: () => Promise.resolve({ tenant, apiKey: newApiKey({ world: 'test', ...from }).text }),
    ...(makeClient === undefined ? {} : { makeClient }),
  }, new ManualClock(0))
  assert.ok(result)
  return result
}

test('the SDK as it is, before a gateway as it should be, holds', async () => {
  const { status, evidence } = await look()
  assert.equal(status, 'holds', evidence)
})

test('a gateway that is away is not a thing that holds', async () => {
  assert.equal((await look(undefined, 1)).status, 'unchecked')
})

test('a gateway that does a repeated call twice fails', async () => {
  forgetsKeys = true
  const { status, evidence } = await look()
  assert.deepEqual([status, evidence], ['fails', 'a call whose answer was lost acted 2 times'])
})

test('a gateway whose errors have no code of their own fails', async () => {
  problemCode = 'gateway/strange'
  assert.equal((await look()).status, 'fails')
})

const secure = (options: NgomeOptions): NgomeOptions => ({ ...options, baseUrl: options.baseUrl?.replace('http:', 'https:') })
const worse: readonly (readonly [claim: string, make: (options: NgomeOptions) => Ngome, evidence: RegExp])[] = [
  ['takes plain HTTP', (options) => new Ngome(secure(options)), /plain HTTP/],
  ['takes a key of the other world', (options) => new Ngome({ ...options, world: undefined }), /other world/],
  ['forgets its pins', (options) => new Ngome({ ...options, pins: undefined }), /not pinned/],
  ['sends any amount', (options) => {
    const client = new Ngome(options)
    const { payments } = client
    const sloppy = { create: () => client.call('listPayments', { query: {} }), get: payments.get.bind(payments), list: payments.list.bind(payments) }
    return Object.assign(client, { payments: sloppy })
  }, /amount/],
  ['repeats nothing', (options) => new Ngome({ ...options, retriesMax: 0 }), /ends as ConnectionError/],
  ['repeats under another key', (options) => {
    const client = new Ngome({ ...options, retriesMax: 0 })
    const { tokens: own } = client.vault
    const create: typeof own.create = (token) => own.create(token).catch(() => own.create(token))
    return Object.assign(client, { vault: { tokens: { create, list: own.list.bind(own), delete: own.delete.bind(own) } } })
  }, /acted 2 times/],
  ['has no limit of its own', (options) => new Ngome({ ...options, rateLimits: { ratePerS: 10_000, burst: 10_000, queueMax: 10_000 } }), /a loop sent/],
]
for (const [claim, make, pattern] of worse) {
  test(`an SDK that ${claim} fails`, async () => {
    const { status, evidence } = await look(make)
    assert.equal(status, 'fails', evidence)
    assert.match(evidence, pattern)
  })
}
