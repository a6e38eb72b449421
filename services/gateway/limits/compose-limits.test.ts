import assert from 'node:assert/strict'
import { Socket } from 'node:net'
import { test } from 'node:test'
import { ManualClock, newId, systemClock, systemRandom } from '@ngome/kernel'
import { createMetrics, loadConfig } from '@ngome/runtime'
import type { AuthenticatedCaller } from '../http/call.ts'
import { GatewayRequest } from '../http/gateway-request.ts'
import { createLimits } from './compose-limits.ts'

const from = { clock: systemClock, random: systemRandom }
const clock = new ManualClock(1_000)

function newLimits() {
  const refused: string[] = []
  const limits = createLimits({
    config: loadConfig({ NGOME_CONFIG: '' }).limits, monotonicMs: () => 3_600_000, clock, store: undefined,
    find: () => Promise.resolve({ ratePerS: 1, burst: 40 }),
    onRefused: (_caller, limit) => void refused.push(limit), metrics: createMetrics({ process: 'gateway' }),
  })
  return { limits, refused }
}

function callerWith(restriction?: object): AuthenticatedCaller {
  const tenant = { merchant: newId('merchant', from), world: 'test' }
  return { tenant, apiKey: newId('apiKey', from), ...(restriction === undefined ? {} : { restriction }) } as unknown as AuthenticatedCaller
}

/** How many reads of one payment pass at once. */
async function passed(caller: AuthenticatedCaller): Promise<number> {
  const { limits } = newLimits()
  for (let count = 0; ; count++) {
    try {
      await limits.authorize(caller, new GatewayRequest(new Socket()), 'getPayment')
    } catch {
      return count
    }
  }
}

test('a key whose use was unusual and that is throttled has a tenth of its limits, until that ends', async () => {
  assert.equal(await passed(callerWith()), 40)
  assert.equal(await passed(callerWith({ restriction: 'throttle', endsAtMs: 2_000 })), 4)
  assert.equal(await passed(callerWith({ restriction: 'throttle', endsAtMs: 500 })), 40)
  assert.equal(await passed(callerWith({ restriction: 'demand_signed', endsAtMs: 2_000 })), 40)
})

test('calls that come together are one reading of the limits, and one burst', async () => {
  const { limits, refused } = newLimits()
  const caller = callerWith()
  const results = await Promise.allSettled(Array.from({ length: 100 }, async () => limits.authorize(caller, new GatewayRequest(new Socket()), 'getPayment')))
  assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 40)
  assert.deepEqual(refused, Array.from({ length: 60 }, () => 'key'))
})
