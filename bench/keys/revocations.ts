import { setTimeout as sleep } from 'node:timers/promises'
import type { MerchantClient } from '@ngome/testkit'
import { TestGateway } from '../../services/gateway/testing/test-gateway.ts'
import { timeCase, type BenchCase } from '../harness.ts'

const revoked = 200
/** From the beginning of the revoking transaction to the last gateway's refusal. */
const barMs = 500
const everyMs = 2
const percentile = 0.99

/** From a revocation to the refusal on both of two gateways, which are asked with the key all the while. */
export async function revocations(): Promise<BenchCase[]> {
  const one = await TestGateway.start()
  const other = await TestGateway.start({ beside: one })
  try {
    const { tenant } = await one.addMerchant()
    const tookMs: number[] = []
    for (let at = 0; at < revoked; at++) {
      const merchant = await one.issueKey(tenant)
      const clients = [merchant.client, other.client(merchant.key)]
      for (const client of clients) if (!await isTaken(client)) throw new Error('a new key was refused')
      const startedAtMs = performance.now()
      await one.revoke(merchant)
      await Promise.all(clients.map(async (client) => {
        while (await isTaken(client)) await sleep(everyMs)
        client.close()
      }))
      tookMs.push(performance.now() - startedAtMs)
    }
    const sorted = tookMs.toSorted((a, b) => a - b)
    return [timeCase('revocation to refusal on two gateways, p99', 'ms', sorted[Math.ceil(revoked * percentile) - 1] ?? 0, barMs)]
  } finally {
    await other.close()
    await one.close()
  }
}

/** On a machine that is busy a gateway may have no room for a moment, which says nothing of the key: it is asked again. */
async function isTaken(client: Pick<MerchantClient, 'call'>): Promise<boolean> {
  for (;;) {
    const { status, text } = await client.call({ path: '/v1/payments' })
    if (status === 200 || status === 401) return status === 200
    if (status !== 503) throw new Error(`answered with ${status}: ${text}`)
    await sleep(everyMs)
  }
}
