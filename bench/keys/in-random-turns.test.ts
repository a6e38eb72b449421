import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pairedT, timeInTurns } from './in-random-turns.ts'

test('Student\u2019s t of differences is the one of the textbook, and has a sign', () => {
  // Mean 3, variance 2.5, five differences: 3 / √(2.5/5).
  assert.ok(Math.abs(pairedT([1, 2, 3, 4, 5]) - 3 / Math.sqrt(2.5 / 5)) < 1e-12)
  assert.equal(pairedT([-1, -2, -3, -4, -5]), -pairedT([1, 2, 3, 4, 5]))
})

test('what differs now here and now there is not told apart, and what differs by little each time is', () => {
  const wave = Array.from({ length: 24 }, (_, at) => at % 2 === 0 ? 10 : -10)
  assert.ok(Math.abs(pairedT(wave)) < 1e-9)
  assert.ok(Math.abs(pairedT(wave.map((value) => value + 1))) < 4.5)
  assert.ok(pairedT(wave.map((value) => value / 20 + 1)) > 4.5)
  assert.equal(pairedT([0, 0]), 0)
})

test('ways are timed as often as was asked, whatever the generator draws', () => {
  const counts = { one: 0, other: 0 }
  let drawn = 0
  const found = timeInTurns({ one: () => { counts.one++ }, other: () => { counts.other++ } }, { samples: 50, random: () => drawn++ % 3 / 3 })
  assert.ok(found.one.count >= 50 && found.other.count >= 50 && counts.one > counts.other)
})
