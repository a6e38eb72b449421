import assert from 'node:assert/strict'
import { test } from 'node:test'
import { newId, systemClock, systemRandom } from '@ngome/kernel'
import { OnceAnHour } from './hold-origin.ts'

const newKey = () => newId('apiKey', { clock: systemClock, random: systemRandom })

test('a key is due once an hour, each by itself, and the oldest is forgotten first', () => {
  let nowMs = 0
  const told = new OnceAnHour(() => nowMs)
  const [one, other] = [newKey(), newKey()]
  assert.deepEqual([told.isDue(one), told.isDue(one), told.isDue(other)], [true, false, true])
  nowMs = 3_599_999
  assert.equal(told.isDue(one), false)
  nowMs = 3_600_000
  assert.deepEqual([told.isDue(one), told.isDue(one)], [true, false])
  for (let count = 0; count < 999; count++) told.isDue(newKey())
  assert.deepEqual([told.isDue(one), told.isDue(other)], [false, true])
})
