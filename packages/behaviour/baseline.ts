import { z } from 'zod'
import { dayMs } from './use.ts'

const count = z.number().nonnegative()

/** Bounds of what is remembered of a key, so that no use of it grows its row: about 12 KiB at most. */
export const countriesMax = 64
export const networksMax = 128
export const operationsMax = 64
export const currenciesMax = 16
export const pendingMax = 32
export const hoursOfWeek = 168

/**
 * What is usual for a key, learned from its hours. Counts only: no address, no amount, nobody's name.
 */
export const baselineSchema = z.strictObject({
  version: z.literal(1),
  /** The first and the last hour in which the key was used. */
  firstMs: z.int().nonnegative(),
  lastMs: z.int().nonnegative(),
  /** Hours that taught. */
  hours: z.int().nonnegative(),
  /** Hours in which it was used from there, and the last of them. */
  countries: z.record(z.string(), z.strictObject({ hours: count, lastMs: count })),
  networks: z.record(z.string(), count),
  /** How often it was used in each hour of the week, Monday 00:00 UTC first; old weeks count less. */
  week: z.array(count).length(hoursOfWeek),
  /** Of each operation, in the hours with any: mean, mean deviation and peak, newer hours counting more. */
  volume: z.record(z.string(), z.strictObject({ hours: count, mean: count, deviation: count, peak: count })),
  /** Payments of each currency by half octave. */
  amounts: z.record(z.string(), z.strictObject({ total: count, sizes: z.record(z.string(), count) })),
  /** Share of requests that are refused. */
  refusedShare: z.number().min(0).max(1),
  /** What was unusual and has not been accepted as usual yet, with the days on which it was seen. */
  pending: z.record(z.string(), z.strictObject({ days: count, lastDay: count })),
})
export type Baseline = z.output<typeof baselineSchema>

export function newBaseline(firstMs: number): Baseline {
  return {
    version: 1, firstMs, lastMs: firstMs, hours: 0, countries: {}, networks: {}, volume: {}, amounts: {},
    week: Array.from({ length: hoursOfWeek }, () => 0), refusedShare: 0, pending: {},
  }
}

/** @returns `undefined` for what is no baseline of this version: then learning begins anew */
export function parseBaseline(state: unknown): Baseline | undefined {
  const parsed = baselineSchema.safeParse(state)
  return parsed.success ? parsed.data : undefined
}

/** Two weeks and some hours: before that nothing is usual, and so nothing is unusual but bursts. */
const learningMs = 14 * dayMs
const learningHoursMin = 3

/** Whether it has seen enough, as of a time, to call something unusual. */
export function hasLearned(baseline: Baseline, nowMs: number, withinMs = learningMs): boolean {
  return nowMs - baseline.firstMs >= withinMs && baseline.hours >= learningHoursMin
}

/** Days since the key was first used, for reasons. */
export function ageDays(baseline: Baseline, nowMs: number): number {
  return Math.floor((nowMs - baseline.firstMs) / dayMs)
}
