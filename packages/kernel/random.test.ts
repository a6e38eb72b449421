import assert from 'node:assert/strict'
import { test } from 'node:test'
import { systemRandom } from './random.ts'

test('the system’s source gives as many bytes as asked for, and others each time', () => {
  assert.equal(systemRandom.bytes(0).length, 0)
  assert.equal(systemRandom.bytes(33).length, 33)
  const seen = new Set(Array.from({ length: 1000 }, () => Buffer.from(systemRandom.bytes(16)).toString('hex')))
  assert.equal(seen.size, 1000)
})
