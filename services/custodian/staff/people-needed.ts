import type { Staff } from './staff-rows.ts'

/** Two people decide about a third. While there is one, he decides alone: else there would never be a second. */
const peopleMax = 2

/** How many of these must approve an admission or a retirement. Never none: where nobody is left, nobody can. */
export function peopleNeeded(staff: readonly Staff[]): number {
  const present = staff.filter(({ retiredAtMs }) => retiredAtMs === null).length
  return Math.max(1, Math.min(peopleMax, present))
}
