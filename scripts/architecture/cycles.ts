import type { Violation } from './edges.ts'
import type { Module } from './read-modules.ts'

/** Refuses modules that import each other in a circle, types included: a circle of types is a room badly cut too. */
export function cycleViolations(modules: readonly Module[]): Violation[] {
  const targets = new Map(modules.map(({ path, imports }) => [path, imports.flatMap(({ target }) => target ?? [])]))
  const done = new Set<string>()
  const violations: Violation[] = []
  for (const { path } of modules) visit(path, [], targets, done, violations)
  return violations
}

function visit(
  path: string,
  trail: readonly string[],
  targets: ReadonlyMap<string, readonly string[]>,
  done: Set<string>,
  violations: Violation[],
): void {
  const at = trail.indexOf(path)
  if (at >= 0) {
    violations.push({ rule: 'cycle', path, detail: [...trail.slice(at), path].join(' → ') })
    return
  }
  if (done.has(path)) return
  for (const target of targets.get(path) ?? []) visit(target, [...trail, path], targets, done, violations)
  done.add(path)
}
