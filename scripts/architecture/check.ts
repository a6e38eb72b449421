import { banViolations } from './bans.ts'
import { cycleViolations } from './cycles.ts'
import { edgeViolations, roomViolations, type Violation } from './edges.ts'
import type { Module } from './read-modules.ts'
import { shapeViolations } from './shape.ts'

/** Every rule over every module. */
export function check(modules: readonly Module[]): Violation[] {
  return [
    ...edgeViolations(modules),
    ...roomViolations(modules),
    ...cycleViolations(modules),
    ...shapeViolations(modules),
    ...banViolations(modules),
  ]
}
