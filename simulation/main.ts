/** `node simulation/main.ts [OPERATIONS] [SEED]`: a run in memory, told as it goes; exit code 1 where a claim broke. */
import { seedFrom } from '@ngome/testkit'
import { manyFaults, noFaults } from './faults.ts'
import { simulatedMemory } from './memory/simulated-memory.ts'
import { runSimulation } from './run-simulation.ts'

const [operations, seed, quiet] = process.argv.slice(2)
const began = performance.now()
const report = await runSimulation({
  seed: seedFrom(seed, Math.floor(Math.random() * 1e6)), operations: seedFrom(operations, 50_000), store: simulatedMemory(),
  faults: quiet === undefined ? manyFaults : noFaults, startMs: 1_800_000_000_000, tell: console.log,
})
console.log(report, `${((performance.now() - began) / 1_000).toFixed(1)} s`)
process.exitCode = report.broken.length === 0 ? 0 : 1
