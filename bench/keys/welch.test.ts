import assert from 'node:assert/strict'
import { test } from 'node:test'
import { addSample, noSamples, welchT } from './welch.ts'

function samplesOf(values: readonly number[]) {
  const samples = noSamples()
  for (const value of values) addSample(samples, value)
  return samples
}

test('Welch\u2019s t is the one of the textbook, and has a sign', () => {
  // Means 3 and 4.5, variances 2.5 and 3.5, five and six samples: (3 − 4.5) / √(2.5/5 + 3.5/6).
  const [one, other] = [samplesOf([1, 2, 3, 4, 5]), samplesOf([2, 3, 4, 5, 6, 7])]
  assert.ok(Math.abs(welchT(one, other) + 1.5 / Math.sqrt(2.5 / 5 + 3.5 / 6)) < 1e-12)
  assert.equal(welchT(one, other), -welchT(other, one))
})

test('what is the same is not told apart, and what differs by little is, with enough samples', () => {
  const wave = Array.from({ length: 10_000 }, (_, at) => Math.sin(at) * 10)
  assert.equal(welchT(samplesOf(wave), samplesOf(wave)), 0)
  assert.ok(welchT(samplesOf(wave.map((value) => value + 1)), samplesOf(wave)) > 4.5)
  assert.equal(welchT(samplesOf([7, 7]), samplesOf([7, 7])), 0)
})
