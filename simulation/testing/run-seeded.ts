import assert from 'node:assert/strict'
import { seedFrom } from '@ngome/testkit'
import { manyFaults, type Faults } from '../faults.ts'
import { simulatedMemory } from '../memory/simulated-memory.ts'
import { runSimulation, type SimulatedStore, type SimulationOptions, type SimulationReport } from '../run-simulation.ts'

/** One for all runs of the tests, so that a change is what makes one fail; the soak run has a fresh one each time. */
export const seed = seedFrom(process.env['NGOME_TEST_SEED'], 20_261_123)

export type Changes = {
  readonly seed?: number
  readonly faults?: Faults
  readonly store?: SimulatedStore
  readonly startMs?: number
  readonly repetitions?: number
  readonly batches?: number
  readonly approvals?: NonNullable<SimulationOptions['approvals']>
}

export function runSeeded(operations: number, changes: Changes = {}): Promise<SimulationReport> {
  return runSimulation({ seed, store: simulatedMemory(), faults: manyFaults, startMs: Date.UTC(2026, 10, 20), operations, ...changes })
}

export function assertTrue(report: SimulationReport): void {
  assert.deepEqual(report.broken, [], `run it again with NGOME_TEST_SEED=${seed}`)
}
