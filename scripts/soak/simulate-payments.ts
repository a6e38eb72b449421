import { manyFaults } from '../../simulation/faults.ts'
import { simulatedMemory } from '../../simulation/memory/simulated-memory.ts'
import { runSimulation } from '../../simulation/run-simulation.ts'
type Tell = (line: string) => void

/** At most so many at once: one run holds all of its payments in memory. */
const operationsEach = 100_000

/** Runs simulations of payments in memory, each with its own seed, until they come to so many operations. @returns whether all claims hold */
export async function simulatePayments(operations: number, seed: number, tell: Tell): Promise<boolean> {
  let done = 0
  for (let next = seed; done < operations; next++) {
    const report = await runSimulation({
      seed: next, operations: Math.min(operationsEach, operations - done), store: simulatedMemory(), faults: manyFaults, startMs: Date.UTC(2026, 10, 20),
    })
    done += report.operations
    tell(`seed ${next}: ${report.operations} operations, ${report.crashes} crashes, ${JSON.stringify(report.payments)}`)
    for (const problem of report.broken) tell(`  BROKEN: ${problem}`)
    if (report.broken.length > 0) return false
  }
  tell(`${done} operations; no payment lost, none doubled, the books add up`)
  return true
}
