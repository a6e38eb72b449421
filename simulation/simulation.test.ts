import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { noFaults } from './faults.ts'
import { runApart } from './testing/run-apart.ts'
import { assertTrue, runSeeded as run, seed } from './testing/run-seeded.ts'

/** As many as each run of the tests has. */
const inMemory = 50_000

test(`${inMemory} operations under faults lose no payment, double none, and leave books that add up (seed ${seed})`, async (t) => {
  const report = await runApart(inMemory)
  assertTrue(report)
  assert.ok(report.operations >= inMemory && report.crashes > 100, JSON.stringify(report))
  t.diagnostic(JSON.stringify(report))
})

describe('a seed', () => {
  test('gives the same run again, and another one another', async () => {
    const [one, same, other] = [await run(1_500, { seed: 7 }), await run(1_500, { seed: 7 }), await run(1_500, { seed: 8 })]
    assert.deepEqual(one, same)
    assert.notDeepEqual(one, other)
  })

  test('without faults nothing crashes, and everything that was asked for ends', async () => {
    const { crashes, broken, payments } = await run(1_000, { faults: noFaults })
    assert.deepEqual([crashes, broken], [0, []])
    assert.ok(Object.keys(payments).every((name) => /succeeded|failed|cancelled/.test(name)), JSON.stringify(payments))
  })
})
