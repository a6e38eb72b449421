import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bansMax } from '@ngome/kernel'
import fc from 'fast-check'
import { BanList, type NewBan } from './ban-list.ts'
import { costOf, firstBanS, longestBanS, offendersMax, pointsMax } from './misdeeds.ts'

const attacker = '192.0.2.66'

function scene(trusted: readonly string[] = ['127.0.0.0/8', '::1/128', '198.51.100.0/24', '2001:db8:aaaa::/48']) {
  const time = { nowMs: 0 }
  const banned: NewBan[] = []
  const kernel: (readonly [string, number])[] = []
  const list = new BanList({
    trusted, monotonicMs: () => time.nowMs, onBan: (ban) => banned.push(ban), onChange: (network, seconds) => kernel.push([network, seconds]), onForget: () => kernel.push(['*', 0]),
  })
  const provoke = (address: string): void => {
    for (let at = 0; at < pointsMax / costOf('request/malformed'); at++) list.note('request/malformed', address)
  }
  return { time, banned, kernel, list, provoke }
}

test('who does one misdeed too many is banned, and no other; the kernel is told', () => {
  const { list, banned, kernel, provoke } = scene()
  list.note('request/malformed', attacker)
  assert.equal(list.isBanned(attacker), false)
  provoke(attacker)
  assert.equal(list.isBanned(attacker), true)
  assert.equal(list.isBanned(`::ffff:${attacker}`), true, 'by whatever way he comes')
  assert.equal(list.isBanned('192.0.2.67'), false)
  assert.deepEqual(banned, [{ network: '192.0.2.66/32', seconds: firstBanS, times: 1, reason: 'request/malformed' }])
  assert.deepEqual(kernel, [['192.0.2.66/32', firstBanS]])
})

test('of an IPv6 subscriber every address is banned', () => {
  const { list, provoke } = scene()
  provoke('2001:db8::1')
  assert.equal(list.isBanned('2001:db8::ffff:1'), true)
  assert.equal(list.isBanned('2001:db8:0:1::1'), false)
})

test('each next ban is twice as long, up to an hour', () => {
  const { list, time, banned, provoke } = scene()
  for (let round = 0; round < 9; round++) {
    provoke(attacker)
    assert.equal(list.isBanned(attacker), true)
    time.nowMs += longestBanS * 1_000
    assert.equal(list.isBanned(attacker), false, 'it ends by itself')
  }
  assert.deepEqual(banned.map(({ seconds }) => seconds), [60, 120, 240, 480, 960, 1_920, 3_600, 3_600, 3_600])
})

test('whom the operator vouches for is never banned, neither by us nor by another gateway', () => {
  const { list, banned, provoke } = scene()
  for (const address of ['127.0.0.1', '127.9.9.9', '::1', '198.51.100.7', '::ffff:198.51.100.7', '2001:db8:aaaa:5::1']) {
    provoke(address)
    list.share([{ network: '198.51.100.7/32', secondsLeft: 60, times: 1 }])
    assert.equal(list.isBanned(address), false, address)
  }
  assert.deepEqual(banned, [])
})

test('a client that is wrong now and then is never banned, and one whose good requests outweigh it neither', () => {
  const { list, time, banned } = scene()
  for (let second = 0; second < 5_000; second += 2) {
    time.nowMs = second * 1_000
    list.note('access/unauthenticated', attacker)
  }
  for (let at = 0; at < 1_000; at++) {
    list.note('access/unauthenticated', attacker)
    list.noteGood(attacker)
  }
  assert.deepEqual(banned, [])
})

test('what is nobody\u2019s fault costs nothing', () => {
  const { list, banned } = scene()
  for (let at = 0; at < 10_000; at++) for (const code of ['payments/unknown', 'gateway/internal', 'request/invalid', 'gateway/overloaded'] as const) list.note(code, attacker)
  list.note('request/malformed', undefined)
  list.note('request/malformed', 'not an address')
  assert.deepEqual([banned, list.offenders], [[], 0])
})

test('what other gateways and the operator ban is banned here, and ends here when they end it', () => {
  const { list, kernel, provoke, time } = scene()
  list.share([{ network: '203.0.113.9/32', secondsLeft: 600, times: 3 }, { network: '203.0.113.8/32', secondsLeft: -5, times: 2 }])
  assert.equal(list.isBanned('203.0.113.9'), true)
  assert.equal(list.isBanned('203.0.113.8'), false)
  list.share([{ network: '203.0.113.9/32', secondsLeft: 600, times: 3 }])
  assert.deepEqual(kernel, [['*', 0], ['203.0.113.9/32', 600]], 'what was ordered before us is void, and the same again is no news')
  provoke(attacker)
  list.share([])
  assert.equal(list.isBanned('203.0.113.9'), false)
  assert.equal(list.isBanned(attacker), true, 'one that is not shared yet stays')
  list.markShared('192.0.2.66/32')
  list.share([])
  assert.equal(list.isBanned(attacker), false, 'one that was taken out by the operator goes')
  assert.deepEqual(kernel.slice(2), [['192.0.2.66/32', 60], ['203.0.113.9/32', 0], ['192.0.2.66/32', 0]])
  list.share([{ network: '192.0.2.66/32', secondsLeft: -30, times: 4 }])
  provoke(attacker)
  assert.deepEqual(kernel.at(-1), ['192.0.2.66/32', 960], 'how often it was is remembered by all')
  time.nowMs += 60_000
  kernel.length = 0
  list.tellAll()
  assert.deepEqual(kernel, [['*', 0], ['192.0.2.66/32', 900]], 'a kernel that comes later hears of those that stand')
})

test('memory has a bound, however many come', () => {
  const { list, provoke } = scene()
  for (let at = 0; at < offendersMax + 100; at++) list.note('request/malformed', `10.${at >> 16}.${at >> 8 & 255}.${at & 255}`)
  assert.equal(list.offenders, offendersMax)
  for (let at = 0; at < bansMax + 50; at++) provoke(`11.${at >> 16}.${at >> 8 & 255}.${at & 255}`)
  assert.equal(list.size, bansMax)
})

test('who owes nothing any more is forgotten', () => {
  const { list, time } = scene()
  list.note('request/malformed', attacker)
  time.nowMs = 10_000
  list.sweep()
  assert.equal(list.offenders, 0)
})

test('no order of misdeeds bans with fewer points than the bound', () => {
  const codes = ['request/malformed', 'access/unauthenticated', 'slow_head', 'too_fast'] as const
  fc.assert(fc.property(fc.array(fc.constantFrom(...codes), { maxLength: 60 }), (misdeeds) => {
    const { list, banned } = scene()
    for (const misdeed of misdeeds) list.note(misdeed, attacker)
    const points = misdeeds.reduce((sum, one) => sum + costOf(one), 0)
    assert.equal(points >= pointsMax, banned.length > 0)
  }))
})
