import { relative } from 'node:path'
import { isBuilt, type Control } from './catalog.ts'
import type { Probe } from './probe.ts'

/** Where a promise's code is: its room, its probes, their files, and what each does. */
export function explain<Target>(control: Control, probes: readonly Probe<Target>[], root: string): string {
  const head = [`${control.id}  ${control.promise}`, `room: ${control.room}`]
  if (!isBuilt(control)) return [...head, `not built: ${control.area}`].join('\n')
  const limits = [
    `a result counts for ${control.intervalS} s`,
    ...(control.atMost === undefined ? [] : [`at most partial: ${control.atMost}`]),
    ...(control.toBuild ?? []).map((part) => `not built: ${part}`),
  ]
  const looks = control.probes.flatMap((id) => {
    const probe = probes.find((each) => each.id === id)
    return probe === undefined ? [`probe ${id}: missing`] : ['', `probe ${id}`, `  ${relative(root, probe.source)}`, `  ${probe.does}`]
  })
  return [...head, ...limits, ...looks].join('\n')
}
