import { median, timeCase, type BenchCase } from '../harness.ts'
import type { LoadOrder, LoadReport } from './load.ts'
import { cpuSeconds, type Worker } from './worker.ts'

/** Sides take turns, so that a neighbour's burst of work falls on both. */
export const rounds = 5
export const roundMs = 2_000
export const warmUpMs = 1_500

export type Side = { readonly pid: number | readonly number[]; readonly order: Omit<LoadOrder, 'durationMs'> }
/** What is under test, of one process or several, and how it is put under load for a time. */
export type Runner = { readonly pid: number | readonly number[]; readonly run: (durationMs: number) => Promise<LoadReport> }
export type Samples = { readonly perSecond: number[]; readonly cpu: number[] }

/** One run, with the CPU that what is under test used for each answer. */
export async function sample(
  into: Samples, pid: number | readonly number[], run: () => Promise<Pick<LoadReport, 'answered' | 'failures' | 'seconds'>>,
): Promise<void> {
  const before = cpuSecondsOf(pid)
  const { answered, failures, seconds } = await run()
  const after = cpuSecondsOf(pid)
  const failed = Object.entries(failures).map(([what, count]) => `${count} with ${what}`).join(', ')
  if (failed !== '') throw new Error(`requests failed, ${failed}: a benchmark of failures measures nothing`)
  into.perSecond.push(answered / seconds)
  if (before !== undefined && after !== undefined) into.cpu.push((after - before) * 1e6 / answered)
}

function cpuSecondsOf(pid: number | readonly number[]): number | undefined {
  const each = [pid].flat().map(cpuSeconds)
  return each.includes(undefined) ? undefined : each.reduce<number>((sum, seconds) => sum + (seconds ?? 0), 0)
}

export function inTurns(load: Worker, [one, other]: readonly [Side, Side]): Promise<readonly [Samples, Samples]> {
  return inTurnsOf([loadedBy(load, one), loadedBy(load, other)])
}

export function loadedBy(load: Worker, { pid, order }: Side): Runner {
  return { pid, run: (durationMs) => load.ask<LoadReport>({ ...order, durationMs }) }
}

export async function inTurnsOf(
  [one, other]: readonly [Runner, Runner], times: number = rounds,
): Promise<readonly [Samples, Samples]> {
  const seen: readonly [Samples, Samples] = [{ perSecond: [], cpu: [] }, { perSecond: [], cpu: [] }]
  for (const { run } of [one, other]) await run(warmUpMs)
  for (let round = 0; round < times; round++) {
    await sample(seen[0], one.pid, () => one.run(roundMs))
    await sample(seen[1], other.pid, () => other.run(roundMs))
  }
  return seen
}

/** Only where the system tells what a process used. */
export function cpuCase(name: string, ours: Samples, baseline: Samples): BenchCase[] {
  return ours.cpu.length === 0 || baseline.cpu.length === 0
    ? [] : [timeCase(`${name}, CPU for each`, 'µs', median(ours.cpu), median(baseline.cpu))]
}
