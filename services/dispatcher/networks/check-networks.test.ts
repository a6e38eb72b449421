import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ManualClock } from '@ngome/kernel'
import { checkToken } from '../connectors/check-token.ts'
import type { CredentialCheck, PaymentNetwork } from '../connectors/payment-network.ts'
import type { Network } from '../dispatcher.ts'
import { checkNetworks, networkChecksRoute } from './check-networks.ts'

const nowMs = 1_800_000_000_000
const good: CredentialCheck = { product: 'collection', outcome: 'good', status: 200, theirTimeMs: nowMs }

/** A network whose connector answers as told, in two seconds. */
function networks(clock: ManualClock, checks: readonly CredentialCheck[] | undefined, calls: string[] = []): ReadonlyMap<string, Network> {
  const connector: PaymentNetwork = {
    directions: ['collection', 'payout'], isIdempotent: true,
    prepare: async () => 'ready', request: () => assert.fail('nothing is sent'), enquire: () => assert.fail('nothing is asked about'), readCallback: () => undefined,
    balance: async () => {
      calls.push('balance')
      return { amountMinor: 125_000n, currency: 'KES' }
    },
    ...(checks === undefined ? {} : { check: async () => {
      calls.push('check')
      clock.advance(2_000)
      return checks
    } }),
  }
  return new Map([['airtel-ke', {
    connector, provider: 'airtel-money', world: 'live', currency: 'KES', callingCode: '254', settleAfterMs: 1, enquiryIntervalMs: 1, giveUpAfterMs: 2, sendWithinMs: 1,
  }]])
}

test('a network is told of with its credentials, its clock and its balance, and without secrets', async () => {
  const clock = new ManualClock(nowMs)
  assert.deepEqual(await checkNetworks(networks(clock, [good]), clock), { data: [{
    network: 'airtel-ke', world: 'live', connector: 'airtel-money', directions: ['collection', 'payout'],
    products: [{ product: 'collection', outcome: 'good', status: 200, clock_skew_s: 0 }], balance: { amount: '1250.00', currency: 'KES' },
  }] })
})

const clocks: readonly (readonly [what: string, theirTimeMs: number | null, skewS: number | null])[] = [
  ['says no time', null, null],
  ['answers from a second that is cut off', nowMs - 999, 0],
  ['answers at the end', nowMs + 2_000, 0],
  ['is ahead', nowMs + 62_000, 60],
  ['is behind', nowMs - 61_000, -60],
]
for (const [what, theirTimeMs, skewS] of clocks) {
  test(`a clock that ${what} differs by ${skewS}`, async () => {
    const clock = new ManualClock(nowMs)
    const { data: [seen] } = await checkNetworks(networks(clock, [{ ...good, theirTimeMs }]), clock)
    assert.equal(seen?.products[0]?.clock_skew_s, skewS)
  })
}

for (const outcome of ['refused', 'failing', 'away'] as const) {
  test(`a network with a product that is ${outcome} is not asked for its balance`, async () => {
    const [clock, calls] = [new ManualClock(nowMs), [] as string[]]
    const { data: [seen] } = await checkNetworks(networks(clock, [good, { ...good, product: 'disbursement', outcome }], calls), clock)
    assert.deepEqual([calls, seen?.balance], [['check'], null])
  })
}

test('a connector that cannot be asked is told of as that', async () => {
  const [clock, calls] = [new ManualClock(nowMs), [] as string[]]
  const { data: [seen] } = await checkNetworks(networks(clock, undefined, calls), clock)
  assert.deepEqual([seen?.products, seen?.balance, calls], [[], null, []])
})

test('who asks while another asks gets the same answer; the operator alone may', async () => {
  const [clock, calls] = [new ManualClock(nowMs), [] as string[]]
  const route = networkChecksRoute(networks(clock, [good], calls), clock)
  assert.deepEqual(route.callers, ['operator'])
  const call = {} as Parameters<typeof route.handle>[0]
  const [one, other] = await Promise.all([route.handle(call), route.handle(call)])
  assert.equal(one, other)
  assert.deepEqual(calls, ['check', 'balance'])
  await route.handle(call)
  assert.equal(calls.length, 4)
})

test('what came of a token is read by its answer', () => {
  const answered = (status: number, date?: string) => ({ kind: 'answered', status, body: new Uint8Array(), retryAfter: undefined, headers: { date } } as const)
  const outcomes = [400, 401, 403, 404, 429, 500, 200].map((status) => checkToken('x', answered(status), false).outcome)
  assert.deepEqual(outcomes, ['refused', 'refused', 'refused', 'failing', 'failing', 'failing', 'failing'])
  assert.deepEqual(checkToken('x', answered(200, 'Mon, 23 Nov 2026 16:00:00 GMT'), true),
    { product: 'x', outcome: 'good', status: 200, theirTimeMs: Date.UTC(2026, 10, 23, 16) })
  assert.equal(checkToken('x', answered(200, 'soon'), true).theirTimeMs, null)
  for (const kind of ['unreached', 'lost'] as const) assert.equal(checkToken('x', { kind, reason: 'x' }, false).outcome, 'away')
})
