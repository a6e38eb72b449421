import assert from 'node:assert/strict'
import { test } from 'node:test'
import { slowest } from './slowest.ts'

test('the ten slowest files are named with their lanes, the slowest first, and each lane with what it took', () => {
  const took = Array.from({ length: 12 }, (_, at) => ({ file: `${at}.test.ts`, lane: at < 6 ? 'side' : 'waiting', tookMs: at * 1_000 }))
  const [head, ...lines] = slowest(took).split('\n')
  assert.equal(head, 'the slowest of 12 files (by lane: side 15.0 s, waiting 51.0 s)')
  assert.equal(lines.length, 10)
  assert.equal(lines[0], '   11.0 s  waiting   11.test.ts')
  assert.equal(lines.at(-1), '    2.0 s  side      2.test.ts')
})
