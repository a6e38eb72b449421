import { isBuilt, type BuiltControl, type Control } from './catalog.ts'
import type { ProbeResult } from './run-probes.ts'
import { worst, type Status } from './verdict.ts'

/** A promise, and what was seen of it. */
export type Row = {
  readonly id: string
  readonly status: Status
  readonly scope: string
  readonly evidence: string
  readonly checkedAt: string | null
}

/** One row for each promise: what its probes saw, unless it is too long ago, and never better than it can be. */
export function judge(catalog: readonly Control[], results: readonly ProbeResult[], nowMs: number): Row[] {
  const byProbe = new Map(results.map((result) => [result.probe, result]))
  return catalog.map((control) => {
    if (isBuilt(control)) return judgeBuilt(control, byProbe, nowMs)
    return { id: control.id, status: 'unchecked', scope: 'not built', evidence: `not built: ${control.area}`, checkedAt: null }
  })
}

function judgeBuilt(control: BuiltControl, results: ReadonlyMap<string, ProbeResult>, nowMs: number): Row {
  const found = control.probes.map((probe) => aged(probe, results.get(probe), control.intervalS, nowMs))
  const statuses: Status[] = found.map(({ status }) => status)
  if (control.toBuild !== undefined) statuses.push('unchecked')
  if (control.atMost !== undefined) statuses.push('partial')
  const missing = control.toBuild === undefined ? [] : [`not built: ${control.toBuild.join(', ')}`]
  const times = found.flatMap(({ checkedAt }) => checkedAt ?? []).toSorted()
  return {
    id: control.id,
    status: worst(statuses),
    scope: control.atMost === undefined ? control.room : `${control.room}; at most partial: ${control.atMost}`,
    evidence: [...found.map(({ probe, evidence }) => `${probe}: ${evidence}`), ...missing].join('; '),
    // A row is as old as the oldest look that it rests on.
    checkedAt: times[0] ?? null,
  }
}

type Found = { probe: string; status: Status; evidence: string; checkedAt: string | null }

function aged(probe: string, result: ProbeResult | undefined, intervalS: number, nowMs: number): Found {
  if (result === undefined) return { probe, status: 'unchecked', evidence: 'has not run', checkedAt: null }
  const ageS = (nowMs - Date.parse(result.checkedAt)) / 1000
  if (ageS <= intervalS) return result
  return { ...result, status: 'unchecked', evidence: `its last look is ${Math.round(ageS)} s old, ${intervalS} s at most` }
}
