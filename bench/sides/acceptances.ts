import { addTestMerchant } from '@ngome/testkit'
import type { RawSqlReport } from '../gateway/raw-sql.ts'
import { median, rateCase, type BenchCase } from '../harness.ts'
import type { GatewayStand } from './gateway-stand.ts'
import { cpuCase, roundMs, rounds, sample, warmUpMs, type Samples } from './in-turns.ts'
import type { LoadOrder, LoadReport } from './load.ts'
import { Worker } from './worker.ts'

export const writeConnections = 16
/** More than a fast machine commits in a round. */
const transactionsPerRoundMax = 20_000
export const order = '{"amount":"5.00","currency":"EUR","network":"mtn-sandbox","payer":{"phone":"+46733123499"},"reference":"order-42"}'

/** Requests that each order another collection. */
export function acceptances({ platform }: GatewayStand): Omit<LoadOrder, 'durationMs'> {
  const head = [
    'Host: localhost', `Authorization: Bearer ${platform.key}`, 'Content-Type: application/json', `Content-Length: ${order.length}`,
    'Idempotency-Key: bench-{n}',
  ]
  return {
    port: platform.folders.ports.gateway, ca: platform.custody.authority.pem, connections: writeConnections, status: 201,
    requests: [['POST /v1/payments HTTP/1.1', ...head, '', order].join('\r\n')],
  }
}

/** Collections through HTTP beside the raw SQL of the same transaction, in turns. */
export async function besideRawSql(stand: GatewayStand, load: Worker): Promise<BenchCase[]> {
  const raw = new Worker('gateway/raw-sql.ts')
  try {
    await raw.ask({ connection: workerConnection(stand), merchant: await addTestMerchant(stand.database), connections: writeConnections })
    const ours: Samples = { perSecond: [], cpu: [] }
    const theirs: Samples = { perSecond: [], cpu: [] }
    const requests = acceptances(stand)
    await load.ask<LoadReport>({ ...requests, durationMs: warmUpMs })
    for (let round = 0; round < rounds; round++) {
      await raw.ask({ transactions: transactionsPerRoundMax })
      await sample(theirs, raw.pid, async () => {
        const { committed, seconds } = await raw.ask<RawSqlReport>({ durationMs: roundMs })
        return { answered: committed, failures: {}, seconds }
      })
      await sample(ours, stand.gateway.child.pid ?? 0, () => load.ask<LoadReport>({ ...requests, durationMs: roundMs }))
    }
    return [
      rateCase('POST of a payment, answers', '1/s', median(ours.perSecond), median(theirs.perSecond)),
      ...cpuCase('POST of a payment', ours, theirs),
    ]
  } finally {
    raw.stop()
  }
}

/** The gateway's connection, as a worker process takes it. */
export function workerConnection({ database }: GatewayStand): object {
  const { password, ...connection } = database.connection('ngome_gateway')
  return { ...connection, password: password.expose((text) => text) }
}
