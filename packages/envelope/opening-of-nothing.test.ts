import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ManualClock, parseBase64Url, systemRandom } from '@ngome/kernel'
import { openingOfNothing } from './opening-of-nothing.ts'
import { parseRecordContext } from './parse-record-context.ts'

test('names a payment in its right form, and never the same one twice', () => {
  const from = { clock: new ManualClock(0), random: systemRandom }
  const [one, other] = [openingOfNothing(from), openingOfNothing(from)].map((opening) => ({
    context: parseRecordContext(parseBase64Url(opening.context) ?? new Uint8Array()),
    bytes: [opening.dataKey, opening.salt].map((text) => parseBase64Url(text)?.length),
  }))
  assert.deepEqual([one?.context?.table, one?.context?.dataClass, one?.bytes], ['payments', 'restricted', [64, 32]])
  assert.notEqual(one?.context?.recordId, other?.context?.recordId)
})
