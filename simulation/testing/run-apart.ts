import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import type { SimulationReport } from '../run-simulation.ts'

/** Runs in a thread of its own: the test runner follows each promise of its own, of which a long run has millions. */
export async function runApart(operations: number, changes: { readonly repetitions?: number } = {}): Promise<SimulationReport> {
  const worker = new Worker(new URL('apart.ts', import.meta.url), { workerData: { operations, ...changes } })
  const [report] = await once(worker, 'message') as [SimulationReport]
  await worker.terminate()
  return report
}
