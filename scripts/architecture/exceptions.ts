import type { Violation } from './edges.ts'

/**
 * Violations that stand for now. The list may only shrink: an entry that no longer applies, or that allows more than is
 * there, fails the test, and so does a longer list than {@link exceptionsMax}.
 */
export type Exception = { readonly rule: string; readonly path: string; readonly size?: number; readonly why: string }

export const exceptions: readonly Exception[] = []

export const exceptionsMax = 0

/** Takes the excepted violations away, and adds one for each exception that is not exact. */
export function withoutExceptions(violations: readonly Violation[], excepted: readonly Exception[]): Violation[] {
  const matches = (violation: Violation, { rule, path, size }: Exception): boolean => {
    return violation.rule === rule && violation.path === path && (violation.size ?? 0) <= (size ?? Infinity)
  }
  const left = violations.filter((violation) => !excepted.some((exception) => matches(violation, exception)))
  const loose = excepted.filter(({ rule, path, size }) => {
    return !violations.some((violation) => violation.rule === rule && violation.path === path && violation.size === size)
  })
  return [
    ...left,
    ...loose.map(({ rule, path }) => ({ rule: 'exception', path, detail: `the exception to ${rule} can shrink or go` })),
  ]
}
