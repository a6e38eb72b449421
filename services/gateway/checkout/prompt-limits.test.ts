import assert from 'node:assert/strict'
import { test } from 'node:test'
import { systemRandom } from '@ngome/kernel'
import fc from 'fast-check'
import { PromptLimits } from './prompt-limits.ts'

const usPerS = 1_000_000
const limitsAt = (at: { us: number }, isTrusted = false) =>
  new PromptLimits({ random: systemRandom, nowUs: () => at.us, isTrusted: () => isTrusted })
const phoneOf = (count: number): string => `+2567${String(10_000_000 + count)}`

test('a phone is asked three times, then once in 500 s, wherever the asking comes from', () => {
  const at = { us: 0 }
  const limits = limitsAt(at)
  const waits = Array.from({ length: 5 }, (_, count) => limits.take('+256772123456', `198.51.100.${count}`))
  assert.deepEqual(waits, [0, 0, 0, 500, 500])
  at.us = 499 * usPerS
  assert.equal(limits.take('+256772123456', '203.0.113.1'), 1)
  at.us = 500 * usPerS
  assert.deepEqual([limits.take('+256772123456', '203.0.113.1'), limits.take('+256772123456', '203.0.113.2')], [0, 500])
})

test('a network asks thirty phones at once, then one in 5 s; what it is refused for costs no phone anything', () => {
  const at = { us: 0 }
  const limits = limitsAt(at)
  for (let count = 0; count < 30; count++) assert.equal(limits.take(phoneOf(count), '2001:db8::1'), 0)
  assert.equal(limits.take(phoneOf(99), '2001:db8::2'), 5, 'the same /64')
  for (let count = 0; count < 3; count++) assert.equal(limits.take(phoneOf(99), '2001:db8:1::2'), 0)
})

test('behind a proxy that the operator vouches for each phone is counted alone', () => {
  const limits = limitsAt({ us: 0 }, true)
  for (let count = 0; count < 100; count++) assert.equal(limits.take(phoneOf(count), '127.0.0.1'), 0)
})

test('whatever the times, no phone is asked more than three times and once in 500 s', () => {
  fc.assert(fc.property(fc.array(fc.nat(400), { maxLength: 60 }), (pausesS) => {
    const at = { us: 0 }
    const limits = limitsAt(at, true)
    const askedS: number[] = []
    for (const pauseS of pausesS) {
      at.us += pauseS * usPerS
      if (limits.take('+256772123456', undefined) === 0) askedS.push(at.us / usPerS)
    }
    for (const [index, sinceS] of askedS.entries()) {
      for (const [more, untilS] of askedS.slice(index).entries()) assert.ok(more + 1 <= 3 + (untilS - sinceS) / 500)
    }
  }))
})
