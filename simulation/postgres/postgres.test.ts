import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { testDatabase, type TestDatabase } from '@ngome/testkit'
import { manyFaults } from '../faults.ts'
import { assertTrue, runSeeded as run, seed } from '../testing/run-seeded.ts'
import { simulatedPostgres } from './simulated-postgres.ts'

const operations = 5_000
const repetitions = 1_000

describe('in PostgreSQL', () => {
  let database: TestDatabase
  before(async () => { database = await testDatabase() })
  after(() => database.close())

  test(`${operations} operations under faults lose no payment, double none, and leave books that add up (seed ${seed})`, async (t) => {
    // Its days are real: what is kept by the day is kept for those around today.
    const faults = { ...manyFaults, clockJumpMsMax: { ...manyFaults.clockJumpMsMax, dispatcher: 3_600_000 } }
    const report = await run(operations, { faults, store: simulatedPostgres(database), startMs: Date.now() })
    assertTrue(report)
    assert.ok(report.operations >= operations, JSON.stringify(report))
    t.diagnostic(JSON.stringify(report))
  })

  test(`${repetitions} repetitions of a few orders are one payment for each key`, async () => {
    const other = await testDatabase()
    const report = await run(0, { repetitions, store: simulatedPostgres(other), startMs: Date.now() })
    await other.close()
    assertTrue(report)
    assert.deepEqual([Object.values(report.payments).reduce((all, count) => all + count, 0), report.requests >= repetitions], [6, true], JSON.stringify(report))
  })
})
