import { Agent, request } from 'node:https'
import { Ngome, NgomeError, SigningKey } from '@ngome/sdk'
import type { LoadReport } from './load.ts'

/** A merchant's program: which client it calls through, and for how long. */
export type MerchantOrder = {
  readonly through: 'sdk' | 'sdk-signed' | 'bare'
  readonly port: number
  readonly ca: string
  readonly key: string
  /** PEM, for `sdk-signed`. */
  readonly signingKey: string
  /** Calls under way at once. */
  readonly calls: number
  readonly durationMs: number
}

const payment = { amount: '5.00', currency: 'EUR', network: 'mtn-sandbox', payer: { phone: '+46733123499' }, reference: 'order-42' } as const
const body = JSON.stringify(payment)
/** Out of the way: what is measured is what the client costs, not what it holds back. */
const rateLimits = { ratePerS: 1_000_000, burst: 1_000_000, queueMax: 100 }

let call: (() => Promise<unknown>) | undefined

process.on('message', (order: MerchantOrder) => void run(order).then((report) => process.send?.(report)))
process.once('disconnect', () => process.exit())

async function run(order: MerchantOrder): Promise<LoadReport> {
  call ??= order.through === 'bare' ? bareCall(order) : sdkCall(order)
  const pay = call
  const startedAtMs = performance.now()
  const endsAtMs = startedAtMs + order.durationMs
  const times: number[] = []
  const failures: Record<string, number> = {}
  let failed = 0
  await Promise.all(Array.from({ length: order.calls }, async () => {
    while (performance.now() < endsAtMs) {
      const sentAtMs = performance.now()
      await pay().then(() => times.push(performance.now() - sentAtMs), (error: unknown) => {
        const what = error instanceof NgomeError ? error.code : String(error)
        failures[what] = (failures[what] ?? 0) + 1
        failed++
      })
    }
  }))
  times.sort((a, b) => a - b)
  return {
    answered: times.length, failed, failures, seconds: (performance.now() - startedAtMs) / 1_000,
    p99Ms: times[Math.floor(times.length * 0.99)] ?? 0,
  }
}

function sdkCall({ through, port, ca, key, signingKey }: MerchantOrder): () => Promise<unknown> {
  const ngome = new Ngome({
    apiKey: key, baseUrl: `https://localhost:${port}`, ca, rateLimits, retriesMax: 0,
    ...(through === 'sdk-signed' ? { signingKey: new SigningKey({ keyId: 'msk_bench', privateKey: signingKey }) } : {}),
  })
  return () => ngome.payments.create(payment)
}

/** The least that an honest program does: the same bytes, kept connections, the answer parsed. */
function bareCall({ port, ca, key }: MerchantOrder): () => Promise<unknown> {
  const agent = new Agent({ ca, keepAlive: true, maxSockets: 64, minVersion: 'TLSv1.3' })
  let serial = 0
  return () => new Promise((resolve, reject) => {
    const outgoing = request({
      agent, host: 'localhost', port, method: 'POST', path: '/v1/payments', headers: {
        accept: 'application/json', authorization: `Bearer ${key}`, 'user-agent': 'bench', 'content-type': 'application/json',
        'idempotency-key': `bench-${serial++}`, 'content-length': Buffer.byteLength(body),
      },
    }, (incoming) => {
      const chunks: Buffer[] = []
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk)).on('error', reject)
      incoming.on('end', () => resolve(JSON.parse(Buffer.concat(chunks).toString('utf8')) as unknown))
    })
    outgoing.on('error', reject)
    outgoing.end(body)
  })
}
