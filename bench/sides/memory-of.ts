import { readFileSync } from 'node:fs'
import { timeCase, type BenchCase } from '../harness.ts'

/** How far a run had come, and what its processes held then. */
export type MemoryStep = { readonly done: number; readonly mib: readonly (number | undefined)[] }

const kibibytes = 1_024

/** What a process holds of memory (resident); `undefined` where the system does not tell (not Linux), or it ended. */
export function residentMib(pid: number): number | undefined {
  try {
    const [, size] = /^VmRSS:\s+([0-9]+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1')) ?? []
    return size === undefined ? undefined : Number(size) / kibibytes
  } catch {
    return undefined
  }
}

/**
 * What processes hold in the last tenth of a run beside what they held when a tenth was done: means of all looks in a tenth, for the
 * collector lets memory go when it likes.
 */
export function memoryCases(names: readonly string[], steps: readonly MemoryStep[], whole: number): BenchCase[] {
  return names.flatMap((name, at) => {
    const [first, last] = [meanOf(steps, at, whole * 0.1, whole * 0.2), meanOf(steps, at, whole * 0.9, whole)]
    return first === undefined || last === undefined ? [] : [timeCase(`memory of ${name}, at the end beside at a tenth`, 'MiB', last, first)]
  })
}

function meanOf(steps: readonly MemoryStep[], at: number, from: number, to: number): number | undefined {
  const seen = steps.filter(({ done }) => done >= from && done <= to).flatMap(({ mib }) => mib[at] ?? [])
  return seen.length === 0 ? undefined : seen.reduce((sum, mib) => sum + mib, 0) / seen.length
}

/** How many a second in the tenth of a run that lies between two shares of it. */
export function rateBetween(steps: readonly { readonly done: number; readonly atMs: number }[], from: number, to: number): number {
  const [before, after] = [steps.findLast(({ done }) => done <= from), steps.find(({ done }) => done >= to)]
  if (before === undefined || after === undefined || after.atMs <= before.atMs) throw new RangeError('too few steps to tell a rate')
  return (after.done - before.done) * 1_000 / (after.atMs - before.atMs)
}
