import assert from 'node:assert/strict'
import { Agent, request } from 'node:https'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { problemSchema } from '@ngome/contracts'
import { operations, type OperationName } from '../api/operations.ts'
import { EchoApi } from '../testing/echo-api.ts'
import type { Urgency } from './concurrency-limit.ts'
import { Shedding } from './shedding.ts'

const workMs = 40
const workers = 8

/** A database with so many connections, each of which takes its time; who comes more waits in line. */
function queueOf(): () => Promise<void> {
  let free = workers
  const waiting: (() => void)[] = []
  return async () => {
    if (free > 0) free--
    else await new Promise<void>((resolve) => waiting.push(resolve))
    await sleep(workMs)
    const next = waiting.shift()
    if (next === undefined) free++
    else next()
  }
}

type Answer = { readonly status: number; readonly ms: number; readonly retryAfter: string | undefined; readonly text: string }

function ask(api: EchoApi, agent: Agent, operation: OperationName): Promise<Answer> {
  const { method, path } = operations[operation]
  const body = '{"amount":"5.00","currency":"EUR","network":"mtn-sandbox","payer":{"phone":"+46733123499"},"reference":"r"}'
  const headers = method === 'POST'
    ? { 'content-type': 'application/json', 'content-length': body.length, 'idempotency-key': 'i' } : {}
  return new Promise((resolve, reject) => {
    const beganAtMs = performance.now()
    const outgoing = request({ host: '127.0.0.1', port: api.port, agent, method, path, headers: { host: 'localhost', authorization: 'Bearer x', ...headers } }, (answer) => {
      let text = ''
      answer.setEncoding('utf8').on('data', (chunk: string) => { text += chunk }).on('end', () => resolve({
        status: answer.statusCode ?? 0, ms: performance.now() - beganAtMs, retryAfter: answer.headers['retry-after'], text,
      }))
    })
    outgoing.once('error', reject).end(method === 'POST' ? body : undefined)
  })
}

/** So many clients, each of which asks again as soon as it has its answer. */
async function load(api: EchoApi, agent: Agent, operation: OperationName, clients: number, untilMs: number): Promise<readonly Answer[]> {
  const all = await Promise.all(Array.from({ length: clients }, async () => {
    const answers: Answer[] = []
    while (performance.now() < untilMs) {
      const answer = await ask(api, agent, operation)
      answers.push(answer)
      if (answer.status === 503) await sleep(50)
    }
    return answers
  }))
  return all.flat()
}

const p99 = (answers: readonly Answer[]): number => answers.map(({ ms }) => ms).toSorted((one, other) => one - other)[Math.floor(answers.length * 0.99)] ?? 0

test('in an overload what can wait is sent away with a time to come back, and payments go on', { timeout: 60_000 }, async (t) => {
  const shed: Record<Urgency, number> = { deferrable: 0, ordinary: 0, vital: 0 }
  const shedding = new Shedding({ monotonicMs: () => performance.now(), onShed: (urgency) => shed[urgency]++ })
  const api = await EchoApi.start({ shedding, work: queueOf() })
  const agent = new Agent({ keepAlive: true, ca: api.ca, servername: 'localhost' })
  t.after(() => {
    agent.destroy()
    api.close()
  })
  const calm = await load(api, agent, 'createPayment', 4, performance.now() + 1_500)
  assert.deepEqual(shed, { deferrable: 0, ordinary: 0, vital: 0 })
  const before = api.connections.count
  const untilMs = performance.now() + 5_000
  const [vital, waiting] = await Promise.all([
    load(api, agent, 'createPayment', 4, untilMs), load(api, agent, 'listPayments', 80, untilMs),
  ])
  assert.deepEqual(new Set(vital.map(({ status }) => status)), new Set([200]))
  const away = waiting.filter(({ status }) => status === 503)
  assert.ok(away.length > waiting.length / 4, `${away.length} of ${waiting.length}`)
  assert.equal(shed.vital, 0)
  // Eighty-four in line for eight take ten times as long as one; with the limit, few are in line.
  assert.ok(p99(vital) < p99(calm) * 6, `${p99(vital)} ms over ${p99(calm)} ms`)
  const [first] = away
  assert.equal(problemSchema.parse(JSON.parse(first?.text ?? '')).code, 'gateway/overloaded')
  assert.deepEqual(new Set(away.map(({ retryAfter }) => retryAfter)), new Set(['1', '2', '3', '4', '5']), 'not all at once')
  assert.ok(api.connections.count - before <= 90, 'whoever is sent away keeps his connection')
  await sleep(100)
  assert.equal(shedding.limit.inFlight, 0, 'whoever began has ended')
  const after = await load(api, agent, 'listPayments', 2, performance.now() + 500)
  assert.deepEqual(new Set(after.map(({ status }) => status)), new Set([200]))
})
