import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ManualClock } from './clock.ts'
import { parseId } from './ids.ts'
import { systemRandom } from './random.ts'
import { requestIds } from './request-ids.ts'

test('every request has an id of its own, and the generator is called once for hundreds of them', () => {
  let calls = 0
  const random = { bytes: (length: number) => { calls++; return systemRandom.bytes(length) } }
  const next = requestIds({ clock: new ManualClock(1_800_000_000_000), random })
  const ids = Array.from({ length: 1_000 }, next)
  assert.equal(new Set(ids).size, ids.length)
  assert.ok(ids.every((id) => parseId('request', id) === id))
  assert.ok(calls < 10, `${calls} calls`)
})
