import type { Verdict } from './verdict.ts'

/**
 * One look at the running system from outside, as an attacker or an auditor. What it needs of the system is the type of
 * its target, so that a test gives it a small saboteur instead.
 */
export type Probe<Target> = {
  readonly id: string
  /** The file that holds it, for `--explain`. */
  readonly source: string
  /** What it does and what it expects, in a sentence or two. */
  readonly does: string
  readonly timeMsMax?: number
  readonly run: (target: Target) => Promise<Verdict>
}

/** The look itself lives where the running platform looks at itself, too. */
export { NotReached } from '@ngome/runtime'
