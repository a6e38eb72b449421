import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runApart } from './testing/run-apart.ts'
import { assertTrue, seed } from './testing/run-seeded.ts'

const keys = 6

test(`100,000 repetitions of a few orders under faults are one payment for each key (seed ${seed})`, async (t) => {
  const report = await runApart(0, { repetitions: 100_000 })
  assertTrue(report)
  const payments = Object.values(report.payments).reduce((all, count) => all + count, 0)
  assert.deepEqual([payments, report.requests >= 100_000], [keys, true], JSON.stringify(report))
  t.diagnostic(JSON.stringify(report))
})
