import { Agent, request } from 'node:https'

/** A merchant with a modest rate, for some time. */
export type HonestOrder = { readonly port: number; readonly ca: string; readonly key: string; readonly payment: string; readonly body: string; readonly durationMs: number }
type Times = { readonly p50Ms: number; readonly p99Ms: number; readonly answered: number }
export type HonestReport = { readonly get: Times; readonly post: Times; readonly failed: number }

const getEveryMs = 25
const postEveryMs = 50
const connectionsMax = 8
let agent: Agent | undefined
let serial = Date.now()

process.on('message', (order: HonestOrder) => void run(order).then((report) => process.send?.(report)))
process.once('disconnect', () => process.exit())

async function run(order: HonestOrder): Promise<HonestReport> {
  agent ??= new Agent({ keepAlive: true, ca: order.ca, servername: 'localhost', maxSockets: connectionsMax })
  const failures = { count: 0 }
  const [get, post] = await Promise.all([
    paced(order, getEveryMs, failures, () => ask(order, `/v1/payments/${order.payment}`)),
    paced(order, postEveryMs, failures, () => ask(order, '/v1/payments', order.body)),
  ])
  return { get, post, failed: failures.count }
}

/** One call after the other's time, whether or not that was answered: who is late waits as merchants' customers do. */
async function paced({ durationMs }: HonestOrder, everyMs: number, failures: { count: number }, call: () => Promise<boolean>): Promise<Times> {
  const times: number[] = []
  const calls: Promise<void>[] = []
  const beganAtMs = performance.now()
  for (let dueMs = 0; dueMs < durationMs; dueMs += everyMs) {
    await new Promise((resolve) => { setTimeout(resolve, Math.max(0, beganAtMs + dueMs - performance.now())) })
    calls.push(call().then((isAnswered) => {
      if (isAnswered) times.push(performance.now() - beganAtMs - dueMs)
      else failures.count++
    }))
  }
  await Promise.all(calls)
  times.sort((one, other) => one - other)
  return { p50Ms: times[Math.floor(times.length / 2)] ?? 0, p99Ms: times[Math.floor(times.length * 0.99)] ?? 0, answered: times.length }
}

function ask({ port, key }: HonestOrder, path: string, body?: string): Promise<boolean> {
  const headers = body === undefined ? {} : { 'content-type': 'application/json', 'content-length': body.length, 'idempotency-key': `honest-${++serial}` }
  return new Promise((resolve) => {
    const outgoing = request({ host: '127.0.0.1', port, path, agent, method: body === undefined ? 'GET' : 'POST', headers: { host: 'localhost', authorization: `Bearer ${key}`, ...headers } }, (answer) => {
      answer.resume().once('end', () => resolve(answer.statusCode === 200 || answer.statusCode === 201))
    })
    outgoing.once('error', () => resolve(false)).end(body)
  })
}
