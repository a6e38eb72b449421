import assert from 'node:assert/strict'
import type { SimulationReport } from '../run-simulation.ts'

/** What is rare does not happen in each run of some hundred payments: by one of some seeds in a row it does. */
const seedsMax = 60

/** Fails where no run of a broken store said so. */
export async function sees(claim: RegExp, seed: number, broken: (seed: number) => Promise<SimulationReport>): Promise<void> {
  const seen: string[] = []
  for (let each = seed; each < seed + seedsMax; each++) {
    const report = await broken(each)
    if (report.broken.some((problem) => claim.test(problem))) return
    seen.push(...report.broken.slice(0, 2))
  }
  assert.fail(`seeds ${seed} to ${seed + seedsMax - 1} saw ${JSON.stringify(seen.slice(0, 8))}`)
}
