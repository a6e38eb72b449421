import assert from 'node:assert/strict'
import { Agent, request } from 'node:https'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { problemSchema } from '@ngome/contracts'
import { operations, type OperationName } from '../api/operations.ts'
import { EchoApi } from '../testing/echo-api.ts'
import { concurrencyBounds, shares, type Urgency } from './concurrency-limit.ts'
import { Shedding } from './shedding.ts'

type Answer = { readonly status: number; readonly retryAfter: string | undefined; readonly text: string }

function ask(api: EchoApi, agent: Agent, operation: OperationName): Promise<Answer> {
  const { method, path } = operations[operation]
  const body = '{"amount":"5.00","currency":"EUR","network":"mtn-sandbox","payer":{"phone":"+46733123499"},"reference":"r"}'
  const headers = method === 'POST'
    ? { 'content-type': 'application/json', 'content-length': body.length, 'idempotency-key': 'i' } : {}
  return new Promise((resolve, reject) => {
    const outgoing = request({ host: '127.0.0.1', port: api.port, agent, method, path, headers: { host: 'localhost', authorization: 'Bearer x', ...headers } }, (answer) => {
      let text = ''
      answer.setEncoding('utf8').on('data', (chunk: string) => { text += chunk }).on('end', () => resolve({
        status: answer.statusCode ?? 0, retryAfter: answer.headers['retry-after'], text,
      }))
    })
    outgoing.once('error', reject).end(method === 'POST' ? body : undefined)
  })
}

const asOften = (count: number, api: EchoApi, agent: Agent, operation: OperationName): Promise<readonly Answer[]> =>
  Promise.all(Array.from({ length: count }, () => ask(api, agent, operation)))
const statuses = (answers: readonly Answer[]): ReadonlySet<number> => new Set(answers.map(({ status }) => status))

test('where what can wait has filled its part, more of it is sent away with a time to come back, and payments go on', { timeout: 60_000 }, async (t) => {
  const shed: Record<Urgency, number> = { deferrable: 0, ordinary: 0, vital: 0 }
  const shedding = new Shedding({ monotonicMs: () => performance.now(), onShed: (urgency) => shed[urgency]++ })
  const database = Promise.withResolvers<void>()
  const api = await EchoApi.start({ shedding, work: async (name) => { if (name === 'listPayments') await database.promise } })
  const agents = ['127.0.0.2', '127.0.0.3', '127.0.0.4'].map((localAddress) => new Agent({ keepAlive: true, ca: api.ca, servername: 'localhost', localAddress }))
  const [one, other, third] = agents
  assert.ok(one !== undefined && other !== undefined && third !== undefined)
  t.after(() => {
    for (const each of agents) each.destroy()
    api.close()
  })
  const room = concurrencyBounds.startsAt * shares.deferrable
  const waiting = Promise.all([asOften(room / 2, api, one, 'listPayments'), asOften(room / 2, api, other, 'listPayments')])
  while (api.handled.length < room) await sleep(20)
  assert.deepEqual(shed, { deferrable: 0, ordinary: 0, vital: 0 })

  const before = api.connections.count
  const away = [...await asOften(5, api, third, 'listPayments'), ...await asOften(5, api, third, 'listPayments')]
  assert.deepEqual(statuses(away), new Set([503]))
  assert.deepEqual(new Set(away.map(({ retryAfter }) => retryAfter)), new Set(['1', '2', '3', '4', '5']), 'not all at once')
  assert.equal(problemSchema.parse(JSON.parse(away[0]?.text ?? '')).code, 'gateway/overloaded')
  assert.equal(new Set(away.map(({ text }) => (JSON.parse(text) as { request_id: string }).request_id)).size, away.length, 'each is its own answer')
  assert.deepEqual(statuses([...await asOften(5, api, third, 'createPayment'), ...await asOften(5, api, third, 'listVaultKeys')]), new Set([200]))
  assert.equal(api.connections.count - before, 5, 'whoever is sent away keeps his connection')
  assert.deepEqual(shed, { deferrable: 10, ordinary: 0, vital: 0 })

  database.resolve()
  assert.deepEqual(statuses((await waiting).flat()), new Set([200]), 'who began is answered')
  assert.equal(shedding.limit.inFlight, 0, 'whoever began has ended')
  assert.deepEqual(statuses(await asOften(5, api, third, 'listPayments')), new Set([200]))
})
