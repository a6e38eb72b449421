import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { seedFrom, testDatabase, type TestDatabase } from '@ngome/testkit'
import { manyFaults, noFaults, type Faults } from './faults.ts'
import { simulatedMemory } from './memory/simulated-memory.ts'
import { simulatedPostgres } from './postgres/simulated-postgres.ts'
import { runSimulation, type SimulatedStore, type SimulationReport } from './run-simulation.ts'

/** As many as every run of the tests has; a fresh seed each time, so that runs add up. */
const inMemory = 50_000
const inPostgres = 5_000
const seed = seedFrom(process.env['NGOME_TEST_SEED'], Math.floor(performance.timeOrigin) % 1_000_000)
const startMs = Date.UTC(2026, 10, 20)

function run(operations: number, changes: { readonly seed?: number; readonly faults?: Faults; readonly store?: SimulatedStore; readonly startMs?: number; readonly repetitions?: number } = {}): Promise<SimulationReport> {
  return runSimulation({ seed, store: simulatedMemory(), faults: manyFaults, startMs, operations, ...changes })
}

/** A report without its claims says what a run was; with them, what it was worth. */
function assertTrue(report: SimulationReport, told: string): void {
  assert.deepEqual(report.broken, [], `${told}: run it again with NGOME_TEST_SEED=${seed}`)
}

test(`${inMemory} operations under faults lose no payment, double none, and leave books that add up (seed ${seed})`, async (t) => {
  const report = await run(inMemory)
  assertTrue(report, 'in memory')
  assert.ok(report.operations >= inMemory && report.crashes > 100, JSON.stringify(report))
  t.diagnostic(JSON.stringify(report))
})

describe('the same in PostgreSQL', () => {
  let database: TestDatabase
  before(async () => { database = await testDatabase() })
  after(() => database.close())

  test(`${inPostgres} operations (seed ${seed})`, async (t) => {
    // Its days are real: what is kept by the day is kept for those around today.
    const faults = { ...manyFaults, clockJumpMsMax: { ...manyFaults.clockJumpMsMax, dispatcher: 3_600_000 } }
    const report = await run(inPostgres, { faults, store: simulatedPostgres(database), startMs: Date.now() })
    assertTrue(report, 'in PostgreSQL')
    assert.ok(report.operations >= inPostgres, JSON.stringify(report))
    t.diagnostic(JSON.stringify(report))
  })
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

describe('a family of repetitions', () => {
  const families = 6
  const sum = ({ payments }: SimulationReport): number => Object.values(payments).reduce((all, count) => all + count, 0)

  test('of 100,000 under faults is one payment for each key', async (t) => {
    const report = await run(0, { repetitions: 100_000 })
    assertTrue(report, 'in memory')
    assert.deepEqual([sum(report), report.requests >= 100_000], [families, true], JSON.stringify(report))
    t.diagnostic(JSON.stringify(report))
  })

  test('of 1,000 in PostgreSQL likewise', async () => {
    const database = await testDatabase()
    const report = await run(0, { repetitions: 1_000, store: simulatedPostgres(database), startMs: Date.now() })
    await database.close()
    assertTrue(report, 'in PostgreSQL')
    assert.deepEqual([sum(report), report.requests >= 1_000], [families, true], JSON.stringify(report))
  })
})

/** What a store would do that breaks its promises, and what the run says of it. */
const broken: readonly (readonly [what: string, bend: (store: SimulatedStore) => SimulatedStore, claim: RegExp])[] = [
  ['forgets what it accepted', (store) => ({
    ...store, gateway: { ...store.gateway, acceptPayment: forgetting(store.gateway.acceptPayment, 50, { kind: 'accepted' }) },
  }), /acknowledged for .* and is lost/],
  ['says that an end was recorded, and records none', (store) => ({
    ...store, dispatcher: { ...store.dispatcher, recordOutcome: forgetting(store.dispatcher.recordOutcome, 20, 'recorded') },
  }), /left behind as|books|no transfer/],
  ['takes each repetition for another order', (store) => ({
    ...store, gateway: { ...store.gateway, acceptPayment: (acceptance) => store.gateway.acceptPayment({
      ...acceptance, idempotency: { ...acceptance.idempotency, keyHash: Buffer.from(acceptance.payment.id.padEnd(32)).subarray(-32) },
    }) },
  }), /was answered with/],
  ['loses jobs', (store) => {
    let count = 0
    return { ...store, onJob: (take) => store.onJob((job) => { if (++count % 40 !== 0) take(job) }) }
  }, /left behind as/],
]

/** Does nothing each so many times, and says that it did. */
function forgetting<A extends unknown[], R>(call: (...args: A) => Promise<R>, each: number, answer: R): (...args: A) => Promise<R> {
  let count = 0
  return (...args) => ++count % each === 0 ? Promise.resolve(answer) : call(...args)
}

describe('a run sees', () => {
  for (const [what, bend, claim] of broken) {
    test(`a store that ${what}`, async () => {
      const report = await run(3_000, { seed: 42, store: bend(simulatedMemory()) })
      assert.ok(report.broken.some((problem) => claim.test(problem)), `it saw ${JSON.stringify(report.broken.slice(0, 5))}`)
    })
  }
})
