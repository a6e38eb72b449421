import { median, timeCase, type BenchCase } from '../harness.ts'
import type { LatencyReport, LoadOrder } from './load.ts'
import type { Worker } from './worker.ts'

/** Short and many: a neighbour's burst of work falls on both sides, and the medians leave it out. */
const rounds = 31
const roundMs = 250
const warmUpMs = 700
/** A gateway that the machine keeps from its lease refuses for a moment; such a round is made again. */
const repetitionsMax = 10

type Order = Omit<LoadOrder, 'durationMs'>

/** How long answers take, ours beside the baseline's, in turns; of each the medians over the rounds. */
export async function latencyCases(load: Worker, name: string, ours: Order, baseline: Order): Promise<BenchCase[]> {
  const reports: { readonly ours: LatencyReport; readonly baseline: LatencyReport }[] = []
  for (const order of [ours, baseline]) await load.ask<LatencyReport>({ ...order, durationMs: warmUpMs })
  for (let failures = 0; reports.length < rounds;) {
    const isOursFirst = reports.length % 2 === 0
    const first = await load.ask<LatencyReport>({ ...(isOursFirst ? ours : baseline), durationMs: roundMs })
    const second = await load.ask<LatencyReport>({ ...(isOursFirst ? baseline : ours), durationMs: roundMs })
    if (first.failed + second.failed === 0) reports.push(isOursFirst ? { ours: first, baseline: second } : { ours: second, baseline: first })
    else if (++failures > repetitionsMax) throw new Error('requests fail: a benchmark of failures measures nothing')
  }
  return (['p50Ms', 'p99Ms'] as const).map((part) => timeCase(
    `${name}, ${part.slice(0, 3)}`, 'ms', median(reports.map((one) => one.ours[part])), median(reports.map((one) => one.baseline[part]))))
}
