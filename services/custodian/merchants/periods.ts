/** Merchant keys are published for the present period and these two, so that a gateway crosses an edge on its own. */
export const periodsAhead = 2
/**
 * How long after its period a merchant key still takes data keys: a gateway that crosses the edge finishes what it
 * began, and clocks differ a little.
 */
export const periodGraceMs = 600_000

/** The period that a moment lies in, counted from 1970. */
export function periodAt(nowMs: number, periodMs: number): number {
  return Math.floor(nowMs / periodMs)
}

/** The present period and those that are published ahead. */
export function publishedPeriods(nowMs: number, periodMs: number): readonly number[] {
  const present = periodAt(nowMs, periodMs)
  return Array.from({ length: periodsAhead + 1 }, (_, ahead) => present + ahead)
}
