import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { AddressLimits, type Paying } from './address-limits.ts'

const limit = { ratePerS: 1, burst: 5 }
const startUs = 3_600_000_000
const on = (socket: Paying['socket']): Paying => ({ socket, addressBucket: undefined })
const from = (remoteAddress?: string) => on({ remoteAddress })

/** How many requests of cost 1 are let in at once. */
function drain(limits: AddressLimits, address: string, nowUs = startUs): number {
  const bucket = limits.of(from(address))
  let count = 0
  for (; bucket.canSpend(1, nowUs); count++) bucket.spend(1)
  return count
}

describe('an address', () => {
  const alike: readonly (readonly [what: string, one: string, other: string])[] = [
    ['the same address on another connection', '192.0.2.7', '192.0.2.7'],
    ['the same address mapped into IPv6', '192.0.2.7', '::ffff:192.0.2.7'],
    ['another address of one IPv6 /64', '2001:db8:1:2::1', '2001:db8:1:2:ffff::9'],
  ]
  for (const [what, one, other] of alike) {
    test(`has one bucket with ${what}`, () => {
      const limits = new AddressLimits(limit, () => startUs)
      assert.deepEqual([drain(limits, one), drain(limits, other)], [5, 0])
    })
  }

  test('has a bucket that no other spends', () => {
    const limits = new AddressLimits(limit, () => startUs)
    for (const address of ['192.0.2.7', '192.0.2.8', '2001:db8:1:2::1', '2001:db8:1:3::1']) assert.equal(drain(limits, address), 5, address)
  })

  test('that is gone already has the one of all that are', () => {
    const limits = new AddressLimits(limit, () => startUs)
    assert.equal(limits.of(from()), limits.of(from()))
  })
})

test('who makes up addresses gets coarser buckets, and nobody\u2019s spent bucket is forgotten for it', () => {
  const limits = new AddressLimits(limit, () => startUs, { networks: 20, coarse: 3 })
  assert.equal(drain(limits, '198.51.100.1'), 5)
  const attackers = Array.from({ length: 2_000 }, (_, at) => `2001:db8:${(at >> 8).toString(16)}:${(at & 255).toString(16)}::1`)
  const letIn = attackers.map((address) => drain(limits, address)).reduce((sum, count) => sum + count, 0)
  // 19 of their own, 3 for each /48, and one for all the rest.
  assert.equal(letIn, 5 * (19 + 3 + 1))
  assert.ok(limits.size <= 23)
  assert.equal(drain(limits, '198.51.100.1'), 0, 'it was not filled anew')
  assert.equal(drain(limits, '203.0.113.1'), 0, 'a newcomer shares what is left: nothing, until time gives it back')
})

test('a bucket that was forgotten because it was full is found anew by a connection that still holds it', () => {
  const clock = { nowUs: startUs }
  const limits = new AddressLimits(limit, () => clock.nowUs, { networks: 1, coarse: 1 })
  const socket = { remoteAddress: '192.0.2.7' }
  const early = on(socket)
  limits.of(early).spend(5)
  clock.nowUs += 10_000_000
  for (const address of ['192.0.2.8', '192.0.2.9', '192.0.2.8']) limits.of(from(address)).spend(1)
  const bucket = limits.of(on(socket))
  bucket.spend(2)
  assert.equal(limits.of(early), bucket, 'a request that took its time as well')
  assert.equal(limits.of(from('192.0.2.7')), bucket)
})
