import assert from 'node:assert/strict'
import { test } from 'node:test'
import { systemRandom } from '@ngome/kernel'
import { randomUuid } from './random-uuid.ts'

test('a UUID says its version and variant, and the rest is what the generator gave', () => {
  assert.equal(randomUuid({ bytes: (length) => new Uint8Array(length).fill(0xff) }), 'ffffffff-ffff-4fff-bfff-ffffffffffff')
  assert.equal(randomUuid({ bytes: (length) => new Uint8Array(length) }), '00000000-0000-4000-8000-000000000000')
  assert.notEqual(randomUuid(systemRandom), randomUuid(systemRandom))
})
