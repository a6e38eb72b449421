import { Agent, request } from 'node:https'

/** A merchant with a modest rate, for some time. */
export type HonestOrder = { readonly port: number; readonly ca: string; readonly key: string; readonly payment: string; readonly body: string; readonly durationMs: number }
/** How long each call took that was answered as it should be. */
export type HonestReport = { readonly getMs: readonly number[]; readonly postMs: readonly number[]; readonly failed: number }

const getEveryMs = 25
const postEveryMs = 50
const connectionsMax = 8
/** Of its own: an attacker that can only come from 127.0.0.1 is not banned in its place. */
const localAddress = '127.0.1.1'
let agent: Agent | undefined
let serial = Date.now()

process.on('message', (order: HonestOrder) => void run(order).then((report) => process.send?.(report)))
process.once('disconnect', () => process.exit())

async function run(order: HonestOrder): Promise<HonestReport> {
  agent ??= new Agent({ keepAlive: true, ca: order.ca, servername: 'localhost', maxSockets: connectionsMax, localAddress })
  const failures = { count: 0 }
  const [getMs, postMs] = await Promise.all([
    paced(order, getEveryMs, failures, () => ask(order, `/v1/payments/${order.payment}`)),
    paced(order, postEveryMs, failures, () => ask(order, '/v1/payments', order.body)),
  ])
  return { getMs, postMs, failed: failures.count }
}

/** One call after the other's time, whether or not that was answered: who is late waits as merchants' customers do. */
async function paced({ durationMs }: HonestOrder, everyMs: number, failures: { count: number }, call: () => Promise<boolean>): Promise<readonly number[]> {
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
  return times
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
