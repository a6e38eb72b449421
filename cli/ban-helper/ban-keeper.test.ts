import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bansMax } from '@ngome/kernel'
import fc from 'fast-check'
import { BanKeeper } from './ban-keeper.ts'

function scene() {
  const time = { nowMs: 0 }
  const keeper = new BanKeeper({ table: 't', never: ['198.51.100.0/24', '2001:db8:5:6::7/128'], monotonicMs: () => time.nowMs })
  return { time, keeper }
}

test('an order becomes an element that ends by itself', () => {
  const { keeper } = scene()
  keeper.take('192.0.2.1/32 60\n2001:db8:0:1::/64 3600\n')
  assert.equal(keeper.script(), [
    'add element inet t bans4 { 192.0.2.1 timeout 1s }', 'delete element inet t bans4 { 192.0.2.1 }',
    'add element inet t bans4 { 192.0.2.1 timeout 60s }',
    'add element inet t bans6 { 2001:db8:0:1:: timeout 1s }', 'delete element inet t bans6 { 2001:db8:0:1:: }',
    'add element inet t bans6 { 2001:db8:0:1:: timeout 3600s }', '',
  ].join('\n'))
  assert.equal(keeper.script(), undefined, 'once')
})

test('a ban that ends is taken out, and nothing put in', () => {
  const { keeper } = scene()
  keeper.take('192.0.2.1/32 60\n192.0.2.1/32 0\n')
  assert.equal(keeper.script(), 'add element inet t bans4 { 192.0.2.1 timeout 1s }\ndelete element inet t bans4 { 192.0.2.1 }\n')
})

test('who forgets ends what was ordered before, also what the kernel has not heard of, and what he orders next stands', () => {
  const { keeper } = scene()
  keeper.take('192.0.2.1/32 60\n* 0\n192.0.2.2/32 60\n')
  assert.equal(keeper.script(), [
    'flush set inet t bans4', 'flush set inet t bans6', 'add element inet t bans4 { 192.0.2.2 timeout 1s }',
    'delete element inet t bans4 { 192.0.2.2 }', 'add element inet t bans4 { 192.0.2.2 timeout 60s }', '',
  ].join('\n'))
  keeper.take('* 0\n')
  assert.equal(keeper.script(), 'flush set inet t bans4\nflush set inet t bans6\n')
  assert.equal(keeper.script(), undefined)
})

test('pieces of lines are put together', () => {
  const { keeper } = scene()
  for (const piece of ['192.0', '.2.1/3', '2 6', '0', '\n']) keeper.take(piece)
  assert.match(keeper.script() ?? '', /192\.0\.2\.1 timeout 60s/)
})

const refused: readonly (readonly [string, string])[] = [
  ['everybody', '0.0.0.0/0 60\n'],
  ['loopback', '127.0.0.1/32 60\n'],
  ['loopback of IPv6', '0:0:0:0::/64 60\n'],
  ['an address of the operator', '198.51.100.200/32 60\n'],
  ['the network of an address of the operator', '2001:db8:5:6::/64 60\n'],
  ['a rule', '192.0.2.1/32 60 }; flush ruleset\n'],
  ['a command', 'flush ruleset\n'],
  ['a file', 'include "/etc/shadow"\n'],
  ['for ever', '192.0.2.1/32 9999999\n'],
  ['for less than nothing', '192.0.2.1/32 -1\n'],
  ['a line without end, with an order at its tail', `${'x'.repeat(70_000)}\n`],
  ['a carriage return', '192.0.2.1/32 60\r\n'],
  ['a NUL', '192.0.2.1/32 60\0\n'],
]
for (const [threat, bytes] of refused) {
  test(`does not ban ${threat}`, () => {
    const { keeper } = scene()
    keeper.take(bytes)
    assert.equal(keeper.script(), undefined)
    assert.ok(keeper.dropped >= 1)
  })
}

test('what hides at the end of a line that was too long is no order', () => {
  const { keeper } = scene()
  keeper.take('x'.repeat(200))
  keeper.take('192.0.2.1/32 60\n192.0.2.2/32 60\n')
  assert.doesNotMatch(keeper.script() ?? '', /192\.0\.2\.1 /)
})

test('there are no more bans than the bound, and no more orders than the pace', () => {
  const { keeper, time } = scene()
  keeper.take('* 0\n')
  for (let at = 0; at < bansMax; at++) keeper.take(`10.${at >> 16}.${at >> 8 & 255}.${at & 255}/32 60\n`)
  assert.equal(keeper.script()?.split('\n').length, bansMax * 3 + 3)
  keeper.take('192.0.2.1/32 60\n')
  assert.equal(keeper.script(), undefined, 'the pace')
  time.nowMs = 10_000
  keeper.take('192.0.2.1/32 60\n')
  assert.equal(keeper.script(), undefined, 'the bound')
  time.nowMs = 61_000
  keeper.take('192.0.2.1/32 60\n')
  assert.match(keeper.script() ?? '', /192\.0\.2\.1 timeout 60s/, 'those that ended make room')
})

test('whatever bytes come, a script holds nothing but elements of the two sets', () => {
  const line = /^(?:add|delete) element inet t bans[46] \{ [0-9a-f.:]+(?: timeout [0-9]{1,7}s)? \}$/
  fc.assert(fc.property(fc.array(fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('\n', '192.0.2.1/32 60\n', '192.0.2.7/32', ' 5\n'))), (pieces) => {
    const { keeper } = scene()
    for (const piece of pieces) keeper.take(piece)
    for (const each of keeper.script()?.trimEnd().split('\n') ?? []) assert.match(each, line)
  }))
})
